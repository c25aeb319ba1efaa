import { z } from 'zod';
import { parseRedisUrl } from '../redis-address.js';
import { behavioursSchema } from './behaviours.js';
import { networkSchema, sourceSchemaOf } from './sources.js';

const port = z.int().min(0).max(65_535);
const positive = z.int().positive();
const name = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62})$/, 'letters, digits, ".", "_" and "-", 63 at the most');

const routeSchema = z.strictObject({
  match: z.strictObject({ type: z.string().min(1).describe('An event type, or `*` for every type.') }),
  to: z
    .string()
    .regex(/^(?:topic|hub):[A-Za-z0-9][A-Za-z0-9._-]{0,255}$/, 'must be "topic:NAME" or "hub:NAME"')
    .describe('`topic:NAME` (one message an event) or `hub:NAME` (batches by visitor).'),
});

/** By default what is worth money one by one goes to the topic, and everything else to the hub. The first match wins. */
export function defaultRoutes(topic: string, hub: string) {
  const valuable = ['purchase', 'refund', 'generate_lead', 'sign_up', 'churn_scored', 'offer_made'];
  return [
    ...valuable.map((type) => ({ match: { type }, to: `topic:${topic}` })),
    { match: { type: '*' }, to: `hub:${hub}` },
  ];
}

const DEFAULT_TOPIC = 'events';
const DEFAULT_HUB = 'clicks';

/** For so long the topic detects duplicates. */
const DUPLICATES_KNOWN_MS = 13 * 3_600_000;

const gatewaySchema = z.strictObject({
  host: z.string().default('127.0.0.1').describe('Address that the gateway listens on.'),
  port: port.default(8080).describe('Port of the gateway; 0 takes any free one.'),
  workers: z
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe(
      'Processes that take events on the one port, each with a spool of its own. Limits hold over all of them together.',
    ),
  sources: z
    .array(sourceSchemaOf(name))
    .default([])
    .describe('Sites that may send events, each with its write keys and policies ([events.md](events.md#sources)).'),
  trustedProxies: z
    .array(networkSchema)
    .default(['127.0.0.0/8', '::1'])
    .describe('Addresses and networks of proxies whose `X-Forwarded-For` is believed.'),
  eraseList: z
    .string()
    .min(1)
    .optional()
    .describe('File of user ids, one a line, whose events are dropped; read again when it changes.'),
  countryDatabase: z
    .string()
    .min(1)
    .optional()
    .describe('File of countries by address (MMDB), in place of the one that ships with Penstock.'),
  routes: z
    .array(routeSchema)
    .min(1)
    .default(defaultRoutes(DEFAULT_TOPIC, DEFAULT_HUB))
    .describe('Routing rules; the first match wins. By default they name the configured topic and hub.'),
  limits: z
    .strictObject({
      bodyBytes: positive.default(4 * 1024 * 1024).describe('Largest request body, as it arrives.'),
      decompressedBytes: positive
        .default(4 * 1024 * 1024)
        .describe('Largest request body that was compressed, once it is not any more.'),
      eventBytes: positive.default(64 * 1024).describe('Largest single event, as JSON.'),
      eventsPerRequest: positive.default(10_000).describe('Most events in one request.'),
      depth: positive.default(16).describe('Deepest nesting inside an event.'),
      pendingBytes: positive
        .default(64 * 1024 * 1024)
        .describe('Most bytes of bodies and events in memory, together; beyond it, 429.'),
      publishTimeoutMs: positive
        .default(10_000)
        .describe('How long a request waits for the broker before it answers 503.'),
    })
    .prefault({})
    .describe('Bounds on what a request may cost.'),
  tls: z
    .strictObject({
      cert: z.string().min(1).describe('File of the certificate, with those of its issuers behind it (PEM).'),
      key: z.string().min(1).describe('File of its key (PEM, without a passphrase).'),
    })
    .optional()
    .describe('HTTPS instead of HTTP. The files are read again when they change, or on SIGHUP.'),
  http: z
    .strictObject({
      headersTimeoutMs: positive.default(10_000).describe('How long the headers of a request may take; then 408.'),
      requestTimeoutMs: positive.default(30_000).describe('How long a whole request may take to arrive; then 408.'),
      keepAliveTimeoutMs: positive.default(72_000).describe('How long a connection may wait for its next request.'),
      requestsPerConnection: z
        .int()
        .nonnegative()
        .default(100_000)
        .describe('A connection is closed after so many requests; 0 for never.'),
      connections: positive.default(10_000).describe('Most connections at once; more are closed as they come.'),
      headerBytes: z
        .int()
        .min(1024)
        .default(16 * 1024)
        .describe('Most bytes of the request line and headers; beyond it, 431.'),
      headers: positive.default(100).describe('Most headers of a request; beyond it, 431.'),
    })
    .prefault({})
    .describe('Bounds on connections.'),
  hotVisitors: z
    .strictObject({
      eventsPerSecond: z
        .number()
        .nonnegative()
        .default(500)
        .describe('More hub events of one visitor in a second, over 10 seconds, are logged; 0 looks for none.'),
      action: z
        .enum(['report', 'drop'])
        .default('report')
        .describe('Beyond it: logged only, or held to that rate, and the rest `dropped`.'),
    })
    .prefault({})
    .describe('What is done about a visitor that could fill a partition alone.'),
  spool: z
    .strictObject({
      bytes: z
        .number()
        .int()
        .nonnegative()
        .default(4 * 1024 * 1024 * 1024)
        .describe(
          'Most bytes on disk for one destination while its broker is away or slow; beyond it, 429. 0 switches the spool off; what is in it from before is sent, beside what comes.',
        ),
      ageMs: positive
        .lt(DUPLICATES_KNOWN_MS)
        .default(12 * 3_600_000)
        .describe(
          'While the oldest event on disk for a destination is older, 429. Less than the 13 hours over which the topic detects duplicates.',
        ),
    })
    .prefault({})
    .describe("What is accepted for brokers that are away, on this machine's disk."),
  recall: z
    .strictObject({
      ids: z
        .int()
        .min(0)
        .max(20_000_000)
        .default(1_000_000)
        .describe('Most ids of accepted events by which a retry is known, about 30 bytes each; 0 knows none.'),
      ageMs: positive.default(DUPLICATES_KNOWN_MS).describe('How long they are known.'),
      events: z
        .int()
        .min(0)
        .max(20_000_000)
        .default(200_000)
        .describe('Most other events whose fate can be looked up, 20 bytes each.'),
    })
    .prefault({})
    .describe('What the gateway remembers of events ([events.md](events.md#duplicates)).'),
  packing: z
    .strictObject({
      maxEvents: positive.default(1000).describe('Most events in one hub event; 1 switches packing off.'),
      // Less than the 128 KB from which V8 keeps a string among its large objects: to parse one costs readers an eighth more.
      maxBytes: positive.default(120 * 1024).describe('Largest packed hub event.'),
    })
    .prefault({})
    .describe('How waiting events of one partition travel together.'),
});

const adminSchema = z.strictObject({
  host: z.string().default('127.0.0.1').describe('Address of the dashboard and the API.'),
  port: port.default(8081).describe('Port of the dashboard and the API; 0 takes any free one.'),
  token: z.string().min(16).optional().describe('Bearer token; required on any address that is not loopback.'),
});

const brokerSchema = z.strictObject({
  host: z.string().default('127.0.0.1').describe('Address of the embedded broker.'),
  port: port.default(5672).describe('Port of the embedded broker (AMQP, TLS and HTTPS); 0 takes any free one.'),
  template: z
    .string()
    .optional()
    .describe(
      'ARM template, or Config.json of the official emulators, with the topology; by default the template that ships with Penstock.',
    ),
  partitionMaxBytes: z
    .int()
    .min(1024 * 1024)
    .optional()
    .describe('Most bytes of events that a partition of a hub keeps, whatever its retention time; at least 1 MiB.'),
  minFreeBytes: z
    .int()
    .min(0)
    .optional()
    .describe(
      'Room that is left on the disk before sends to the broker are refused; 128 MiB, or a quarter of a small disk, by default.',
    ),
});

const MIN_LEASE_RENEWALS = 3;

const aggregatorsSchema = z.strictObject({
  lease: z
    .strictObject({
      renewMs: z.int().min(100).describe('How often ownership is renewed and free partitions are looked for.'),
      expiryMs: z
        .int()
        .min(1_000)
        .describe('Who did not renew for this long has lost its partitions; at least 3 times `renewMs`.'),
    })
    .refine(
      ({ renewMs, expiryMs }) => expiryMs >= MIN_LEASE_RENEWALS * renewMs,
      `expiryMs must be at least ${MIN_LEASE_RENEWALS} times renewMs`,
    )
    .optional()
    .describe(
      'Leases of partitions. By default renewed every 10 s and expired after 45 s; with the embedded broker every second and after 6 s.',
    ),
  snapshotIntervalMs: z
    .int()
    .min(100)
    .max(300_000)
    .default(4_000)
    .describe('How often the state is saved at the most: what a new owner of a partition reads again.'),
  rememberedIds: z
    .int()
    .min(1_000)
    .max(1 << 24)
    .default(1 << 20)
    .describe(
      'How many event ids of a partition are remembered at the least, so that a repetition counts once ([live.md](live.md#late-repeated-and-wrong)); for each 32 bytes of memory and 16 of the saved state, once so many came.',
    ),
});

/** Of a namespace, or of one entity of it, as Azure shows them beside their keys. */
const connectionString = z
  .string()
  .regex(/(?:^|;)\s*Endpoint\s*=\s*[^;\s]/i, 'begins with "Endpoint=sb://…;", as Azure shows it');

const serviceSchema = {
  connectionString: connectionString.optional().describe('Connection string with a shared access key.'),
  namespace: z.string().min(1).optional().describe('Fully qualified namespace, used with managed identity.'),
};

export const configSchema = z.strictObject({
  dataDir: z.string().min(1).default('.penstock').describe('Folder of everything that is kept on this machine.'),
  logLevel: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Least severe log level that is written.'),
  gateway: gatewaySchema.prefault({}),
  admin: adminSchema.prefault({}),
  broker: brokerSchema.prefault({}),
  serviceBus: z
    .strictObject({ ...serviceSchema, topic: name.default(DEFAULT_TOPIC).describe('Topic of the valuable events.') })
    .prefault({}),
  eventHubs: z
    .strictObject({ ...serviceSchema, hub: name.default(DEFAULT_HUB).describe('Event hub of the clicks.') })
    .prefault({}),
  storage: z
    .strictObject({
      connectionString: z.string().min(1).optional().describe('Connection string of the storage account.'),
      account: z.string().min(1).optional().describe('Blob endpoint URL, used with managed identity.'),
      checkpointContainer: name
        .default('checkpoints')
        .describe('Container of ownership, checkpoints and aggregator state.'),
    })
    .prefault({}),
  aggregators: aggregatorsSchema.prefault({}),
  redis: z
    .strictObject({
      url: z
        .string()
        .refine(
          (url) => parseRedisUrl(url) !== undefined,
          'must be redis://, rediss://, redis+cluster://host:port,host:port or rediss+cluster://…',
        )
        .optional()
        .describe(
          'URL of Redis: `redis://` or, with TLS, `rediss://`. For a Redis Cluster `redis+cluster://` or `rediss+cluster://` with one node or more: `rediss+cluster://:password@node-1:6380,node-2:6380`.',
        ),
    })
    .prefault({}),
  behaviours: behavioursSchema.describe(
    'Behaviours of visitors that lead to offers ([behaviours.md](behaviours.md)); `[]` looks for none.',
  ),
  retentionCampaign: z
    .strictObject({
      webhookUrl: z
        .url({ protocol: /^https?$/ })
        .optional()
        .describe('Where each likely churner is posted to.'),
      timeoutMs: positive.default(10_000).describe('How long the webhook may take.'),
    })
    .prefault({}),
});

export type Config = Readonly<z.infer<typeof configSchema>>;
