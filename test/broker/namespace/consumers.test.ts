import { expect, it } from 'vitest';
import { createConsumers } from '../../../src/broker/namespace/consumers.js';

const nothing = () => {};

function createReceiver(wanting = true) {
  const receiver = {
    mode: 'peek-lock' as const,
    wanting,
    wants: () => receiver.wanting,
    reserve: nothing,
    deliver: nothing,
    cancel: nothing,
  };
  return receiver;
}

it('gives each receiver its turn before one has another', () => {
  const consumers = createConsumers();
  const receivers = [createReceiver(), createReceiver(), createReceiver()];
  for (const receiver of receivers) consumers.add(receiver);
  for (let round = 0; round < 3; round++) {
    expect(new Set(receivers.map(() => consumers.next()))).toEqual(new Set(receivers));
  }
});

it('passes over who wants nothing any more or has gone since the round began', () => {
  const consumers = createConsumers();
  const [first, sated, gone] = [createReceiver(), createReceiver(), createReceiver()];
  for (const receiver of [first, sated, gone]) consumers.add(receiver);
  consumers.next();
  sated.wanting = false;
  consumers.remove(gone);
  first.wanting = false;
  expect(consumers.someoneWaits()).toBe(false);
  expect(consumers.next()).toBeUndefined();
  first.wanting = true;
  expect([consumers.next(), consumers.next()]).toEqual([first, first]);
});
