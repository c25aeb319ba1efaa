import { expect, test } from 'vitest';
import { hostNames } from '../../../src/broker/options.js';
import { keepRenewed } from '../../../src/broker/security/index.js';
import { createManualClock } from '../../helpers/manual-clock.js';

const DAY_MS = 86_400_000;
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a certificate that nears its end is replaced while the broker runs, also after a look that failed', async () => {
  const clock = createManualClock();
  const first = { cert: 'first', key: '' };
  let pair: typeof first | undefined = first;
  const [renewed, failures]: [string[], unknown[]] = [[], []];
  const stop = keepRenewed(
    {
      clock,
      ensure: async () => {
        if (pair === undefined) throw new Error('the disk is away');
        return pair;
      },
      onRenewed: ({ cert }) => renewed.push(cert),
      onError: (error) => failures.push(error),
    },
    first,
  );
  const pass = async () => {
    clock.advance(DAY_MS / 2);
    await settled();
  };
  await pass();
  expect(renewed).toEqual([]);
  pair = undefined;
  await pass();
  expect(failures).toHaveLength(1);
  pair = { cert: 'second', key: '' };
  await pass();
  await pass();
  expect(renewed).toEqual(['second']);
  stop();
  expect(clock.pending).toBe(0);
});

test('the certificate is for the host, the names that were given, and loopback', () => {
  expect(hostNames('0.0.0.0', ['broker.example'])).toEqual(['broker.example', 'localhost', '127.0.0.1', '::1']);
  expect(hostNames('bus', ['bus', '10.0.0.7'])).toEqual(['bus', '10.0.0.7', 'localhost', '127.0.0.1', '::1']);
  expect(hostNames('127.0.0.1').sort()).toEqual(['127.0.0.1', '::1', 'localhost']);
});
