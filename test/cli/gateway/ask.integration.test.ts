import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fastify } from 'fastify';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { askGateway } from '../../../src/cli/gateway/ask.js';
import { askWhere, gatewayRoutes } from '../../../src/cli/gateway-routes.js';
import { createGateway } from '../../../src/gateway/index.js';
import { systemClock } from '../../../src/shared/clock.js';
import { configSchema } from '../../../src/shared/config/index.js';
import { createLogger } from '../../../src/shared/logger.js';
import { createMemoryBrokers } from '../../gateway/memory-brokers.js';
import { WRITE_KEY } from '../../gateway/rig.js';
import { issueCertificate, type Pair } from '../../helpers/certificate.js';
import { createTempDir } from '../../helpers/parts.js';

let pairs: readonly [Pair, Pair];
beforeAll(async () => {
  pairs = [await issueCertificate('shop.example'), await issueCertificate('shop.example')];
});

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A gateway that speaks HTTPS with a certificate that nobody has issued, and another certificate of that name. */
async function startGateway(host = '127.0.0.1') {
  const dir = createTempDir('ask');
  cleanups.push(dir.remove);
  const [tls, other] = pairs.map(({ cert, key }, index) => {
    const files = { cert: join(dir.path, `${index}.pem`), key: join(dir.path, `${index}.key`) };
    writeFileSync(files.cert, cert);
    writeFileSync(files.key, key);
    return files;
  }) as [{ cert: string; key: string }, { cert: string; key: string }];
  const { openHub, openTopic } = createMemoryBrokers();
  const gateway = await createGateway(
    { clock: systemClock, random: Math.random, logger: createLogger('test', 'silent'), openHub, openTopic },
    { ...configSchema.parse({}).gateway, sources: [{ name: 'shop', writeKey: WRITE_KEY }], tls },
  );
  cleanups.push(() => gateway.stop({ deadlineMs: 1000 }));
  const url = await gateway.listen({ host, port: 0 });
  return { url, certificateFile: tls.cert, otherFile: other.cert };
}

it('the gateway of this machine tells its metrics over HTTPS, whoever issued its certificate', async () => {
  const place = await startGateway();
  expect(place.url).toMatch(/^https:/);
  const admin = fastify();
  await admin.register(gatewayRoutes(() => place));
  const answer = await admin.inject('/gateway/metrics');
  expect(answer.statusCode).toBe(200);
  expect(answer.headers['content-type']).toContain('text/plain');
  expect(answer.body).toContain('penstock_gateway_sink_up{sink="hub:clicks"} 1');
  expect(await askWhere(place, 'nothing')).toMatchObject({ id: 'nothing', outcomes: [] });
});

it('a gateway that listens on an address of IPv6 is asked there', async () => {
  const place = await startGateway('::1');
  expect(place.url).toContain('[::1]');
  expect(await askGateway(place, '/readyz', 5_000)).toMatchObject({ status: 200 });
});

it('somebody else with a certificate of the same name is told nothing', async () => {
  const { url, otherFile } = await startGateway();
  await expect(askGateway({ url, certificateFile: otherFile }, '/readyz', 5_000)).rejects.toThrow('certificate');
  await expect(askGateway({ url, certificateFile: undefined }, '/readyz', 5_000)).rejects.toThrow('certificate');
});
