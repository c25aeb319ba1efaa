import type { Entry } from './atom.js';
import { queueEntry, readQueue } from './descriptions/queue.js';
import { readTopic, topicEntry } from './descriptions/topic.js';
import { entityNotFound } from './errors.js';
import type { NamespacePort, QueueInfo, TopicInfo } from './namespace-port.js';
import { deleted, expectRoot, type Resource, settled } from './resource.js';
import type { Element } from './xml.js';

export interface EntityOptions {
  /** Host and port as the client wrote them; forwarding targets are shown as URLs of it. */
  readonly host: string;
  /** A new access key, for an authorization rule that comes without. */
  readonly newKey: () => string;
}

/** A queue or a topic, whichever has the name, or is described. */
export function createEntityResource(port: NamespacePort, name: string, { host, newKey }: EntityOptions): Resource {
  const queueOf = (info: QueueInfo): Entry => queueEntry(info, host);

  /** How it is set; to be changed it has to be there. */
  function existing<Info extends QueueInfo | TopicInfo>(info: Info | undefined): Info['definition'] {
    if (!info) throw entityNotFound(name);
    return info.definition;
  }

  async function updateTopic(description: Element): Promise<Entry> {
    const before = existing(port.topic(name));
    const settings = readTopic({ name: before.name, description, newKey }, before);
    return topicEntry(settled<TopicInfo>(await port.updateTopic(settings), name));
  }

  async function updateQueue(description: Element): Promise<Entry> {
    const before = existing(port.queue(name));
    const settings = readQueue({ name: before.name, description, newKey }, before);
    return queueOf(settled<QueueInfo>(await port.updateQueue(settings), name));
  }

  return {
    get() {
      const queue = port.queue(name);
      if (queue) return queueOf(queue);
      const topic = port.topic(name);
      return topic && topicEntry(topic);
    },

    list: () => undefined,

    async create(description) {
      const given = { name, description, newKey };
      if (description.name === 'TopicDescription') {
        return topicEntry(settled<TopicInfo>(await port.createTopic(readTopic(given)), name));
      }
      expectRoot(description, 'QueueDescription');
      return queueOf(settled<QueueInfo>(await port.createQueue(readQueue(given)), name));
    },

    async update(description) {
      if (description.name === 'TopicDescription') return updateTopic(description);
      expectRoot(description, 'QueueDescription');
      return updateQueue(description);
    },

    async remove() {
      const outcome = await port.deleteQueue(name);
      deleted(outcome.kind === 'deleted' ? outcome : await port.deleteTopic(name), name);
    },
  };
}
