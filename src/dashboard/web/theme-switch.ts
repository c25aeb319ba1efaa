import type { Announcer } from './announce.js';
import { byId, setText } from './dom.js';
import { chooseTheme, nextTheme, storedTheme, type Theme } from './theme.js';

const NAMES: Readonly<Record<Theme, string>> = { auto: 'Auto', light: 'Light', dark: 'Dark' };

/** One button: as the system is, light, dark, and round again. */
export function createThemeSwitch(announcer: Announcer): void {
  const button = byId('theme');
  let theme = storedTheme();
  const show = () => {
    setText(byId('theme-name'), NAMES[theme]);
    button.setAttribute('aria-label', `Colours: ${NAMES[theme]}`);
  };
  button.addEventListener('click', () => {
    theme = nextTheme(theme);
    chooseTheme(theme);
    show();
    announcer.now(`Colours: ${NAMES[theme]}`);
  });
  show();
}
