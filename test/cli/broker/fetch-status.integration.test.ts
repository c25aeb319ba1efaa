import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { askBroker } from '../../../src/cli/broker/fetch-status.js';

test('a broker that hangs is told as one that does not answer, when whoever asks has waited long enough', async () => {
  const server = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const connectionString = `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true`;
  await expect(askBroker({ connectionString, ca: undefined }, '/status', 50)).rejects.toMatchObject({
    code: 'PS_BROKER_UNREACHABLE',
    message: expect.stringContaining('no answer within 0.05 s') as string,
  });
  server.close();
  await once(server, 'close');
});
