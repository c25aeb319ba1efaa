import { checkNameFormat } from '../capture/name.js';
import { type Complain, checkName, within } from './entity-limits.js';
import type { CaptureDefinition, HubDefinition } from './types.js';

/*
 * What the service refuses of one hub or consumer group, by
 * https://learn.microsoft.com/azure/event-hubs/event-hubs-quotas (the widest tier: what a tier allows is checked where the
 * tier is known).
 */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MIB = 1024 * 1024;
const MAX_CONSUMER_GROUPS = 1000;

/** 3 to 63 small letters, digits and single hyphens. */
const containerName = /^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;

export function checkHub(hub: HubDefinition, complain: Complain): void {
  checkName(hub.name, 256, complain);
  within('partitionCount', hub.partitionCount, [1, 1024], complain);
  within('retention in days', hub.retentionMs / DAY_MS, [1 / 24, 90], complain);
  within('number of consumer groups', hub.consumerGroups.length, [0, MAX_CONSUMER_GROUPS], complain);
  for (const group of hub.consumerGroups) {
    checkConsumerGroup(group, (message) => complain(`consumer group ${group}: ${message}`));
  }
  if (hub.capture) checkCapture(hub.capture, (message) => complain(`capture: ${message}`));
}

export function checkConsumerGroup(name: string, complain: Complain): void {
  checkName(name, 50, complain);
}

function checkCapture(capture: CaptureDefinition, complain: Complain): void {
  within('intervalInSeconds', capture.intervalMs / 1000, [60, 900], complain);
  within('sizeLimitInBytes', capture.sizeLimitBytes, [10 * MIB, 500 * MIB], complain);
  if (!containerName.test(capture.container)) complain(`blobContainer ${capture.container} is no name of a container`);
  const wrongFormat = checkNameFormat(capture.nameFormat);
  if (wrongFormat !== undefined) complain(`archiveNameFormat ${wrongFormat}`);
}
