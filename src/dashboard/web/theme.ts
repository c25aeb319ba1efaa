/** `auto` follows the system. */
const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'penstock-theme';
const listeners = new Set<() => void>();
/** Of the theme as it is now. To ask the browser is a look at the styles of the whole page, and a drawing asks for each line. */
const colours = new Map<string, string>();
const changed = () => {
  colours.clear();
  for (const listener of listeners) listener();
};

export function storedTheme(): Theme {
  try {
    const stored = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === stored) ?? 'auto';
  } catch {
    // A browser may forbid storage.
    return 'auto';
  }
}

/** The style sheet does the rest. */
export function applyTheme(theme: Theme): void {
  const root = document.documentElement;
  if (theme === 'auto') delete root.dataset['theme'];
  else root.dataset['theme'] = theme;
}

export function nextTheme(theme: Theme): Theme {
  return THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] as Theme;
}

export function chooseTheme(theme: Theme): void {
  applyTheme(theme);
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Then it is for this page only.
  }
  changed();
}

/** A canvas does not follow the style sheet by itself. */
export function onThemeChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

function watchSystem(): void {
  for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)', 'print'])
    matchMedia(query).addEventListener('change', changed);
}

let probe: HTMLElement | undefined;

/** What a colour of the theme is now: the property itself holds both schemes. */
export function colour(name: string): string {
  const known = colours.get(name);
  if (known !== undefined) return known;
  if (!probe) {
    watchSystem();
    probe = document.createElement('i');
    probe.hidden = true;
    // Where the system forces its colours, all texts have one, and so would all that is drawn.
    probe.style.setProperty('forced-color-adjust', 'none');
    document.body.append(probe);
  }
  probe.style.color = `var(--${name})`;
  const { color } = getComputedStyle(probe);
  colours.set(name, color);
  return color;
}
