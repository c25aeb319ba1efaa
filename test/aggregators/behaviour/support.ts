import type { PenstockEvent } from '../../../src/events/index.js';
import { type BehaviourDefinition, loadConfig } from '../../../src/shared/config/index.js';
import { START_MS } from '../driver.js';

export const MINUTE = 60_000;

/** Behaviours as a user configures them. */
export const behaviours = (...definitions: unknown[]): readonly BehaviourDefinition[] =>
  loadConfig({ env: { PENSTOCK_BEHAVIOURS: JSON.stringify(definitions) } }).behaviours;

/** The behaviour that ships with Penstock: a garment, shoes, another garment, within 30 minutes. */
export const outfit = loadConfig({ env: {} }).behaviours[0] as BehaviourDefinition;

let ids = 0;

export interface View {
  readonly id?: string;
  readonly visitor?: string;
  readonly category?: string;
  readonly item?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly data?: object;
}

/** Somebody looks at a product `atMs` after the start. */
export function view(atMs: number, fields: View = {}): PenstockEvent {
  const { item, category, visitor = 'v1' } = fields;
  return {
    specversion: '1.0',
    id: fields.id ?? `view-${ids++}`,
    source: 'shop',
    type: fields.type ?? 'view_item',
    time: new Date(START_MS + atMs).toISOString(),
    data: {
      anonymousId: visitor,
      properties: {
        ...(item === undefined ? {} : { item_id: item }),
        ...(category === undefined ? {} : { item_category: category }),
        ...fields.properties,
      },
      context: { device: 'mobile', country: 'DE' },
      receivedAt: new Date(START_MS + atMs).toISOString(),
      ...fields.data,
    },
  };
}

/** Products by short names: garments `a` to `f`, shoes `s` to `w`, and other things. */
export const product = (item: string) => {
  if ('abcdef'.includes(item)) return { item, category: 'apparel.shirts' };
  if ('stuvw'.includes(item)) return { item, category: 'apparel.shoes.keds' };
  return { item, category: 'electronics.audio' };
};
