/*
 * The unmodified ServiceBusAdministrationClient, driven from outside: one call a line on standard input
 * ({"method","args"}), one result a line on standard output ({"value"} or {"error":{"code","statusCode","message"}}). A process of
 * its own, since NODE_EXTRA_CA_CERTS is read when one starts.
 */
import { createInterface } from 'node:readline';
import { ServiceBusAdministrationClient } from '@azure/service-bus';

const client = new ServiceBusAdministrationClient(process.argv[2], { retryOptions: { maxRetries: 0 } });

async function call(method, args) {
  const result = client[method](...args);
  if (!(Symbol.asyncIterator in result)) return result;
  const items = [];
  for await (const item of result) items.push(item);
  return items;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { method, args } = JSON.parse(line, (_, value) => (value?.$date ? new Date(value.$date) : value));
  let answer;
  try {
    answer = { value: await call(method, args) };
  } catch (error) {
    answer = { error: { code: error.code, statusCode: error.statusCode, message: error.message } };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
