import { expect, test } from 'vitest';
import { brokerParts } from '../../src/cli/dashboard-surroundings.js';
import { brokerStatus, queueStatus } from '../broker/status/status.js';

test('a broker that takes what is sent is good, and its dead letters are told of', () => {
  expect(brokerParts(brokerStatus({ queues: [queueStatus('orders')] }))).toEqual([
    { name: 'Broker', state: 'good', text: '3 connections, 64 MB' },
    { name: 'Dead letters', state: 'good', text: 'none' },
  ]);
});

test('a broker whose disk is nearly full is not good, whatever answers', () => {
  expect(brokerParts(brokerStatus({ isDiskLow: true }))[0]).toEqual({
    name: 'Broker',
    state: 'bad',
    text: 'takes nothing that is sent: its disk is nearly full',
  });
});
