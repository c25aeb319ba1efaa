import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type LaunchOptions } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** The same engine without what a browser has around its pages, in a quarter of the processor time. */
const SHELL = 'chromium-headless-shell';

/** The first of these that the machine has; CHROMIUM_PATH names another. */
function findProgram(names: readonly string[]): string {
  const { CHROMIUM_PATH, PATH = '' } = process.env;
  if (CHROMIUM_PATH !== undefined) return CHROMIUM_PATH;
  const folders = PATH.split(delimiter);
  const candidates = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`no browser on PATH: install ${NAMES.join(' or ')}, or set CHROMIUM_PATH`);
  return found;
}

/** A real Chromium with an empty profile that talks to nobody but the pages that the test opens. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch(optionsOf([SHELL, ...NAMES]));
}

/** The browser as visitors have it: with its cache of pages that were left, and what it blocks in frames of other sites. */
export function launchWholeChromium(options: LaunchOptions = {}): Promise<Browser> {
  return chromium.launch({ ...optionsOf(NAMES), ...options });
}

/** The same with the profile of this folder, and what Playwright switches off: the storage of frames by the site around them. */
export function launchProfile(folder: string): Promise<BrowserContext> {
  const options = optionsOf(NAMES);
  // The last one of a name counts.
  return chromium.launchPersistentContext(folder, {
    ...options,
    args: [...(options.args ?? []), '--disable-features=Translate'],
  });
}

function optionsOf(names: readonly string[]): LaunchOptions {
  return {
    executablePath: findProgram(names),
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  };
}
