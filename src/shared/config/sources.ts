import { isIP } from 'node:net';
import { z } from 'zod';

const positive = z.int().positive();
const eventType = z.string().regex(/^[a-zA-Z0-9_.:-]{1,100}$/, '1 to 100 letters, digits and "_", ".", ":", "-"');
const writeKey = z
  .string()
  .min(8)
  .regex(/^[\x21-\x7e]*$/, 'letters, digits and other signs of ASCII, without spaces, so that a header can carry it');
const action = z.enum(['keep', 'strip', 'drop']);

const rate = z.strictObject({
  eventsPerSecond: z.number().positive(),
  burst: positive,
});

/** As a browser writes it: scheme, host and a port that is not the scheme's own; no path. */
const origin = z.string().refine((text) => !text.includes('*') && URL.canParse(text) && new URL(text).origin === text, {
  error: 'an origin as browsers send it, such as "https://shop.example"',
});

const keySchema = z
  .strictObject({
    writeKey,
    kind: z.enum(['browser', 'server']),
    types: z.array(eventType).min(1).optional(),
    rate: rate.optional(),
    clientRate: rate.optional(),
  })
  .refine(({ kind, types }) => kind === 'server' || !types?.some((type) => SERVER_ONLY.has(type)), {
    error: 'a browser key cannot send refund, churn_scored or offer_made',
    path: ['types'],
  })
  .refine(({ kind, clientRate }) => kind === 'browser' || clientRate === undefined, {
    error: 'only a browser key has clients',
    path: ['clientRate'],
  });

const SERVER_ONLY: ReadonlySet<string> = new Set(['refund', 'churn_scored', 'offer_made']);

const privacySchema = z.strictObject({
  ip: z.enum(['truncate', 'none']).optional(),
  gpc: action.optional(),
  dnt: action.optional(),
  consent: z
    .strictObject({
      purposes: z.array(z.string().min(1).max(64)).min(1).max(50),
      denied: action.optional(),
      missing: action.optional(),
    })
    .optional(),
  except: z.array(eventType).optional(),
  visitorId: z.enum(['sent', 'daily']).optional(),
});

/** What a shop signs its webhooks with; two while one is being replaced. */
const secrets = z.array(z.string().min(8)).min(1).max(5).optional();
const webhooksSchema = z.strictObject({
  shopify: secrets,
  woocommerce: secrets,
  stripe: secrets,
  /** Orders that the shop itself calls a test. */
  testOrders: z.enum(['drop', 'flag']).optional(),
});

/** One site. Everything but a name and a key may be left out; docs/privacy.md and docs/events.md tell what each does. */
export function sourceSchemaOf(name: z.ZodString) {
  return z
    .strictObject({
      name: name.describe('The site; becomes the `source` of its events.'),
      writeKey: writeKey.optional(),
      keys: z.array(keySchema).min(1).max(1000).optional(),
      origins: z.array(origin).min(1).max(1000).optional(),
      types: z.array(eventType).min(1).optional(),
      eventsPerDay: positive.optional(),
      privacy: privacySchema.optional(),
      bots: z.enum(['keep', 'flag', 'drop']).optional(),
      country: z.boolean().optional(),
      webhooks: webhooksSchema.optional(),
    })
    .refine((source) => source.writeKey !== undefined || source.keys !== undefined, {
      error: 'give a writeKey, or keys',
      path: ['writeKey'],
    });
}

type KeyedSource = {
  readonly writeKey?: string | undefined;
  readonly keys?: readonly { readonly writeKey: string; readonly kind: 'browser' | 'server' }[] | undefined;
};

export function writeKeysOf({ writeKey, keys }: KeyedSource): readonly string[] {
  return [...(writeKey === undefined ? [] : [writeKey]), ...(keys ?? []).map((key) => key.writeKey)];
}

/** The key of a source that may send most: for what runs on this machine. */
export function strongestKeyOf(source: KeyedSource): string | undefined {
  return source.writeKey ?? source.keys?.find(({ kind }) => kind === 'server')?.writeKey ?? writeKeysOf(source)[0];
}

/** An address, or a network as `10.0.0.0/8`. */
export const networkSchema = z.string().refine(
  (text) => {
    const [address = '', prefix, ...rest] = text.split('/');
    const family = isIP(address);
    if (family === 0 || rest.length > 0) return false;
    return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
  },
  { error: 'an address, or a network such as "10.0.0.0/8"' },
);
