import { describe, expect, it } from 'vitest';
import { createRoom, reservedBytes } from '../../src/shared/room.js';
import { createManualClock } from '../helpers/manual-clock.js';

const MIB = 1024 * 1024;

function setUp(minFreeBytes?: number) {
  const clock = createManualClock(0);
  const disk = { freeBytes: 1000 * MIB, totalBytes: 10_000 * MIB, looks: 0, fails: false };
  const changes: boolean[] = [];
  const errors: unknown[] = [];
  const measure = async () => {
    disk.looks++;
    if (disk.fails) throw new Error('no such call');
    return disk;
  };
  const onChange = (low: boolean) => void changes.push(low);
  const room = createRoom({ clock, measure, onChange, onError: (error) => errors.push(error) }, minFreeBytes);
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  const second = () => {
    clock.advance(1000);
    return settled();
  };
  return { disk, changes, errors, room, second, settled };
}

describe('the room on the disk', () => {
  it('is low from the reserve on, at the next look, and is said once each way', async () => {
    const { disk, changes, room, second } = setUp();
    await room.start();
    expect(room.isLow()).toBe(false);
    disk.freeBytes = 128 * MIB - 1;
    await second();
    await second();
    expect([room.isLow(), changes]).toEqual([true, [true]]);
    disk.freeBytes = 128 * MIB;
    await second();
    expect([room.isLow(), changes]).toEqual([false, [true, false]]);
    room.stop();
  });

  it('is looked at again when much was written, however little time has passed', async () => {
    const { disk, room, settled } = setUp(10 * MIB);
    await room.start();
    disk.freeBytes = MIB;
    room.written(8 * MIB - 1);
    await settled();
    expect([room.isLow(), disk.looks]).toEqual([false, 1]);
    room.written(1);
    await settled();
    expect([room.isLow(), disk.looks]).toEqual([true, 2]);
    room.stop();
  });

  it('is not low where the file system cannot be asked', async () => {
    const { disk, errors, room } = setUp();
    disk.fails = true;
    await room.start();
    expect([room.isLow(), errors.length]).toEqual([false, 1]);
    room.stop();
  });

  it('leaves most of a small disk to messages', () => {
    expect([40 * MIB, 400 * MIB, 4000 * MIB].map(reservedBytes)).toEqual([10 * MIB, 100 * MIB, 128 * MIB]);
  });
});
