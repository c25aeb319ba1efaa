/** `auto` follows the system. */
const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'penstock-theme';
const listeners = new Set<() => void>();
const changed = () => {
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
  if (listeners.size === 0)
    for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)', 'print'])
      matchMedia(query).addEventListener('change', changed);
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

let probe: HTMLElement | undefined;

/** What a colour of the theme is now: the property itself holds both schemes. */
export function colour(name: string): string {
  if (!probe) {
    probe = document.createElement('i');
    probe.hidden = true;
    // Where the system forces its colours, all texts have one, and so would all that is drawn.
    probe.style.setProperty('forced-color-adjust', 'none');
    document.body.append(probe);
  }
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}
