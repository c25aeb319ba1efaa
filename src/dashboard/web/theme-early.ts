import { applyTheme, storedTheme } from './theme.js';

// Runs before the first paint, so that a dark room stays dark.
applyTheme(storedTheme());
