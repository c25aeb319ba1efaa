import { element } from './dom.js';

export interface PanelFrame {
  readonly root: HTMLElement;
  /** To the right of the title. */
  readonly head: HTMLElement;
  /** Has its height from the start: nothing moves when figures come and go. */
  readonly body: HTMLElement;
  /** What the figures are of: "last 10 minutes". */
  note(text: string): void;
  /** Takes away all but the title, for another view. */
  reset(): void;
  /** What else is to be given up then. */
  onReset(giveUp: () => void): void;
}

export interface PanelText {
  readonly id: string;
  readonly title: string;
  readonly note: string;
}

export function createPanel({ id, title, note }: PanelText, className = ''): PanelFrame {
  const heading = element('h2', '', document.createTextNode(`${title} `));
  const span = element('span');
  heading.append(span);
  heading.id = `${id}-title`;
  const head = element('header', 'panel-head', heading);
  const body = element('div', 'panel-body');
  const root = element('section', `panel ${className}`.trim(), head, body);
  root.dataset['panel'] = id;
  root.setAttribute('aria-labelledby', heading.id);
  const setNote = (text: string) => {
    if (span.textContent !== text) span.textContent = text;
  };
  setNote(note);
  let giveUps: (() => void)[] = [];
  return {
    ...{ root, head, body, note: setNote },
    reset() {
      for (const giveUp of giveUps) giveUp();
      giveUps = [];
      head.replaceChildren(heading);
      body.replaceChildren();
      body.className = 'panel-body';
    },
    onReset: (giveUp) => void giveUps.push(giveUp),
  };
}

/** What stands in a panel that has nothing to show. */
export function createNone(body: HTMLElement, id: string, text: string): (shown: boolean) => void {
  const none = element('p', 'none', document.createTextNode(text));
  none.id = `${id}-none`;
  none.hidden = true;
  body.append(none);
  return (shown) => {
    if (none.hidden === shown) none.hidden = !shown;
  };
}
