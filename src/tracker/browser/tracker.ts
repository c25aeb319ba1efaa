/** The tracker of this page: there is one, so its state is that of the module. Nothing is touched before it is used. */
import type { ConsentChoices, PageFields } from '../index.js';
import { campaignOf } from './campaign.js';
import { type Answers, verdictOf, withChoices } from './consent.js';
import { createCookies } from './cookies.js';
import { IDENTITY_KEY, identify, newId, VISITOR_LIFETIME_MS } from './identity.js';
import { pageFields } from './navigation.js';
import type { Options } from './options.js';
import { createQueue } from './queue.js';
import { createStorage, fieldsOf, type WebStorage } from './storage.js';
import { exclusively, post } from './transport.js';

const CONSENT_KEY = '_penstock_consent';

/** Set before anything else is called. */
export const options: Options = {};

const isoNow = () => new Date().toISOString();

/** Undefined as long as the visitor has to be asked: then ids and events are in memory. */
let isAllowed: boolean | undefined;

/** Where the site wants ids to be kept. */
function place(): WebStorage | false {
  const { storage, domain } = options;
  if (storage !== 'cookie') return storage !== 'none' && localStorage;
  return createCookies(
    document,
    (domain ? `;domain=${domain}` : '') + (location.href.match(/^https:/) ? ';secure' : ''),
  );
}
const answers = createStorage(place);
const ids = createStorage(() => !!isAllowed && place());
/** Cookies are too small for events. */
const events = createStorage(() => !!isAllowed && options.storage !== 'none' && localStorage);

const consent = () => fieldsOf(answers.read(CONSENT_KEY)) as Answers;
const whoIs = (named?: string) => identify(ids, named);
const reset = () => ids.write(IDENTITY_KEY);

/** Whether the visitor may be measured. They may have said so, or taken it back, on another page of the site. */
function judge(): boolean | undefined {
  const verdict = verdictOf(consent(), options, navigator);
  if (verdict !== isAllowed) {
    // What is to be wiped has to be reached once more.
    isAllowed = true;
    if (verdict) {
      whoIs();
      queue.wake();
    } else {
      reset();
      queue.wipe();
    }
    isAllowed = verdict;
  }
  return verdict;
}

export const queue = createQueue({
  async post(waiting) {
    // The visitor may have been asked only after an event.
    const said = JSON.stringify(consent());
    const answer = await post(
      new URL(
        `/v1/events?${new URLSearchParams({ writeKey: options.key as string })}`,
        // A host without a scheme is no path of this page.
        new URL((options.host as string).replace(/^(?!\w*:?\/)/, '//'), location.href),
      ),
      `{"sentAt":"${isoNow()}","events":[${waiting.map((event) => `${event.slice(0, -1)},"consent":${said}}`)}]}`,
    );
    // They may have refused meanwhile, here or on another page: then nothing is kept.
    return judge() === false ? { code: 200 } : answer;
  },
  exclusively,
  store: events,
  keyPrefix: () => `_penstock/${options.key}/`,
  // A browser that knows it has no network tells when it is back.
  maySend: () => navigator.onLine && judge(),
});

export function track(type: string, properties?: Readonly<Record<string, unknown>> | null, fields?: PageFields): void {
  if (judge() === false) return;
  queue.enqueue(
    JSON.stringify({
      id: newId(),
      type,
      occurredAt: isoNow(),
      ...whoIs(),
      page: { ...pageFields(), ...fields },
      properties: properties ?? {},
      context: { locale: navigator.language, campaign: campaignOf(location.search) },
    }),
  );
}

/** What a page can say, by name. */
export const commands = {
  // No name of an object's own, such as `constructor`, is a command.
  __proto__: null,
  /** Set where the tracker is started. */
  init: null as unknown as (given: unknown) => void,
  track,
  reset,
  page: (fields?: PageFields) => track('page_view', null, fields),
  identify: (userId: unknown) => whoIs(`${userId ?? ''}`),
  consent(added: ConsentChoices) {
    answers.write(CONSENT_KEY, withChoices(consent(), added), VISITOR_LIFETIME_MS);
    judge();
  },
};
