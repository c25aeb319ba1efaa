import { byId, setText } from './dom.js';

interface Intake {
  readonly url: string;
  readonly writeKey: string;
}

/** The panel of a board without events: the command that sends the first one. */
export function createFirstEvent(): { show(empty: boolean): void } {
  const panel = byId('empty');
  const code = byId('first-event');
  const copy = byId('copy');
  let asked = false;

  const ask = async () => {
    asked = true;
    try {
      const response = await fetch('api/intake');
      setText(code, commandFor(((await response.json()) as { intake: Intake | null }).intake));
    } catch {
      asked = false;
    }
  };
  setText(code, commandFor(null));
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(code.textContent ?? '');
      setText(copy, 'Copied');
    } catch {
      getSelection()?.selectAllChildren(code);
    }
  });
  return {
    show(empty) {
      if (panel.hidden === empty) panel.hidden = !empty;
      // Panels of nothing would only push the one thing to do out of sight.
      byId('panels').hidden = empty;
      if (empty && !asked) void ask();
    },
  };
}

function commandFor(intake: Intake | null): string {
  const { url, writeKey } = intake ?? { url: 'http://127.0.0.1:8080', writeKey: 'WRITE_KEY' };
  const event = '{"type":"page_view","anonymousId":"me","page":{"path":"/hello"}}';
  return `curl ${url}/v1/events \\\n  -H 'X-Write-Key: ${writeKey}' \\\n  -H 'Content-Type: application/json' \\\n  -d '${event}'`;
}
