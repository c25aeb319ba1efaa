import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type LaunchOptions } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** The browser that the machine has; CHROMIUM_PATH names another. */
function findChromium(): string {
  const { CHROMIUM_PATH, PATH = '' } = process.env;
  if (CHROMIUM_PATH !== undefined) return CHROMIUM_PATH;
  const candidates = PATH.split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
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
export function launchChromium(options: LaunchOptions = {}): Promise<Browser> {
  return chromium.launch({ ...optionsOf(), ...options });
}

/** The same with the profile of this folder, and what Playwright switches off: the storage of frames by the site around them. */
export function launchProfile(folder: string): Promise<BrowserContext> {
  const options = optionsOf();
  // The last one of a name counts.
  return chromium.launchPersistentContext(folder, {
    ...options,
    args: [...(options.args ?? []), '--disable-features=Translate'],
  });
}

function optionsOf(): LaunchOptions {
  return {
    executablePath: findChromium(),
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
