import { byId, setText } from './dom.js';
import { formatLabel } from './format.js';
import { createTable, eventColumns, siteColumn, timeOf } from './tables.js';

interface VisitorEvent {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly source: string;
  readonly path?: string;
}

interface Answer {
  readonly events: readonly VisitorEvent[];
  readonly minutes: number;
  /** False when reading was cut short. */
  readonly complete: boolean;
}

/** What one visitor did of late, read from the hub when somebody asks. `now` is the server's time. */
export function createVisitorDialog(now: () => number): (id: string) => void {
  const dialog = byId<HTMLDialogElement>('visitor');
  const status = byId('visitor-status');
  const { show } = createTable<VisitorEvent>(
    { root: dialog, body: byId('visitor-body') },
    {
      id: 'visitor-events',
      caption: 'Recent events of this visitor, newest first',
      none: '',
      timeOf,
      columns: [...eventColumns, siteColumn],
    },
  );
  let asked = 0;
  const ask = async (id: string) => {
    const mine = ++asked;
    show([], now());
    setText(status, 'Reading…');
    const text = await read(id).then(
      (answer) => {
        if (mine === asked) show(answer.events, now());
        return told(answer);
      },
      (error: unknown) => (error instanceof Error ? error.message : 'The events could not be read.'),
    );
    if (mine === asked) setText(status, text);
  };
  byId('visitor-close').addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', ({ target }) => {
    // The dialog itself is hit only outside of what is in it.
    if (target === dialog) dialog.close();
  });
  return (id) => {
    setText(byId('visitor-id'), formatLabel(id));
    dialog.showModal();
    void ask(id);
  };
}

async function read(id: string): Promise<Answer> {
  const response = await fetch(`api/visitors/events?${new URLSearchParams({ id })}`);
  if (response.ok) return (await response.json()) as Answer;
  throw new Error(
    response.status === 404 ? 'This dashboard does not read the hub.' : 'The events cannot be read at the moment.',
  );
}

function told({ events, minutes, complete }: Answer): string {
  const count = events.length === 1 ? '1 event' : `${events.length} events`;
  if (!complete) return `${count}; there was more to read than there was time for.`;
  return `${count} in the last ${minutes} minutes.`;
}
