/** The dashboard in a real Chromium against the daemon under simulated load: opened, used, photographed, checked. `npm run test:browser`. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { ADMIN_TOKEN, hello, startSystem } from '../support/system.ts';
import type { System } from '../support/system.ts';

/** Debian's; another by CHROMIUM. */
const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
/** Where the pictures go, to be looked at. */
const pictures = process.env['PICTURES'] ?? join(tmpdir(), 'tollfree-pictures');

const VIEWS = ['today', 'live', 'history', 'accounts', 'keys', 'rules', 'playground', 'vault'] as const;
const looks: Readonly<Record<string, BrowserContextOptions>> = {
  light: { viewport: { width: 1280, height: 860 }, colorScheme: 'light' },
  dark: { viewport: { width: 1280, height: 860 }, colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: 'light', hasTouch: true, isMobile: true },
};

/** What a provider may say, a label must not hold, and a model name can. */
const MARKUP = '<img src=x onerror="window.broken=1"><script>window.broken=1</script>';

const PASSPHRASE = 'correct horse battery staple';

const state = {} as { system: System; browser: Browser; axe: string };
const prompts = ['write a python function', 'translate hello into German', 'hello there', 'summarise this article in two lines'];

beforeAll(async () => {
  // A copy: the page can save.
  const rules = await readFile('routing-rules.yaml', 'utf8');
  state.system = await startSystem({ accounts: { groq: ['grace', 'gus', 'gina'], openrouter: ['olive', 'oscar'], cerebras: ['cleo'] }, passphrase: PASSPHRASE, rules, simulators: { pace: { firstMs: 60, tokenMs: 3 } } });
  const { system } = state;
  begun.push(system.close);
  await mkdir(pictures, { recursive: true });
  state.axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  const undo = await system.simulators.misbehave({ provider: 'groq', fault: { kind: 'refusal', name: 'server-error' }, times: 4 });
  await Promise.all(Array.from({ length: 24 }, (_, index) => system.chat({ ...hello(prompts[index % prompts.length]), stream: true }).then((answer) => answer.text())));
  await undo();
  await system.chat({ ...hello(), model: MARKUP }).then((answer) => answer.text());
  state.browser = await chromium.launch({ executablePath, args: flags });
  begun.push(() => state.browser.close());
});

/** What was begun, to be ended even where the rest could not begin. */
const begun: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const end of begun.toReversed()) await end();
});

/** A page of its own; whatever it complains of fails the test. */
async function withPage(options: BrowserContextOptions, use: (page: Page) => Promise<void>, { url } = state.system): Promise<void> {
  const context = await state.browser.newContext({ baseURL: url, ...options });
  // A hang is what this is for, as with the tests themselves.
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !/status of 4\d\d/.test(message.text())) complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) complaints.push(`asks ${request.url()}`);
  });
  try {
    await use(page);
    expect(complaints).toEqual([]);
    expect(await page.evaluate('window.broken')).toBeUndefined();
  } finally {
    await context.close();
  }
}

async function signIn(page: Page): Promise<void> {
  await page.goto('/dashboard');
  await page.getByLabel('Admin token').fill(ADMIN_TOKEN);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation').waitFor();
}

async function open(page: Page, view: string): Promise<void> {
  await page.goto(`/dashboard/#/${view}`);
  await page.locator(`nav a[aria-current=page][href="#/${view}"]`).waitFor();
}

/**
 * The text of the rules comes by an answer of its own. Asked from here: `waitForFunction` evaluates a text in the page, which the
 * page's policy forbids whenever it has to look a second time.
 */
async function untilLoaded(page: Page): Promise<void> {
  while (!(await page.getByLabel('Rules as YAML').inputValue()).includes('translation')) await pause(20);
}

async function lock(page: Page): Promise<void> {
  await signIn(page);
  await open(page, 'vault');
  await page.getByRole('button', { name: 'Lock' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Lock' }).click();
}

async function faultsOf(page: Page): Promise<readonly string[]> {
  const violations = (await page.evaluate(`${state.axe}; axe.run().then(({ violations }) => violations.map(({ impact, id, nodes }) => [impact, id, nodes[0].html].join(' ')))`)) as readonly string[];
  return violations.filter((told) => /^(serious|critical)/.test(told));
}

/** Characters no font here has, drawn as an empty box: they look like one that no font may have. */
const boxesOf = (page: Page): Promise<unknown> => page.evaluate(`(() => {
  const brush = Object.assign(document.createElement('canvas'), { width: 32, height: 32 }).getContext('2d', { willReadFrequently: true });
  brush.font = '20px ' + getComputedStyle(document.body).fontFamily;
  const drawn = (character) => {
    brush.clearRect(0, 0, 32, 32);
    brush.fillText(character, 4, 24);
    return brush.getImageData(0, 0, 32, 32).data.join();
  };
  const box = drawn('\\u{10FFFD}');
  return [...new Set(document.body.innerText)].filter((character) => character > '~' && drawn(character) === box);
})()`);

/** What each view has to show once it is there. */
const used: Readonly<Record<(typeof VIEWS)[number], (page: Page) => Promise<void>>> = {
  async today(page) {
    await page.getByText('requests left today').waitFor();
    await page.locator('summary', { hasText: 'grace' }).click();
    await page.getByText('requests / minute').first().waitFor();
    // The bar says what the words beside it say.
    const { told, share, left, of } = (await page.evaluate(`(() => {
      const meter = document.querySelector('.account > summary [role=meter]');
      const [, left, of] = /^([\\d,]+) of ([\\d,]+) left$/.exec(meter.getAttribute('aria-valuetext')) ?? [];
      return { told: meter.getAttribute('aria-valuetext'), share: meter.firstElementChild.getBoundingClientRect().width / meter.getBoundingClientRect().width, left: Number(left?.replaceAll(',', '')), of: Number(of?.replaceAll(',', '')) };
    })()`)) as { told: string; share: number; left: number; of: number };
    expect([told, Math.abs(share - left / of) < 0.03]).toEqual([told, true]);
  },
  live: (page) => page.locator('.story .outcome.ok').first().waitFor(),
  history: (page) => page.getByRole('img', { name: /^Requests, / }).waitFor(),
  accounts: (page) => page.getByRole('button', { name: 'Test groq/grace' }).waitFor(),
  keys: (page) => page.getByRole('button', { name: 'Create a key' }).waitFor(),
  async rules(page) {
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByText('Who could answer').waitFor();
  },
  async playground(page) {
    await page.getByRole('textbox', { name: 'Prompt' }).fill('write a python function that adds two numbers');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText(/whole after/).waitFor();
    await page.locator('pre', { hasText: /^def solve/ }).waitFor();
  },
  async vault(page) {
    await page.getByRole('button', { name: 'Lock' }).waitFor();
    await page.getByText(/vouched for by the vault/).waitFor();
    expect(await page.evaluate(`(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)(document.querySelector('.audit').parentElement)`)).toBe(true);
  },
};

describe.each(Object.keys(looks))('%s', (look) => {
  test('each view opens, works, fits and has no serious fault', async () => {
    await withPage(looks[look] ?? {}, async (page) => {
      await page.goto('/dashboard');
      await page.getByLabel('Admin token').waitFor();
      expect(await faultsOf(page)).toEqual([]);
      await signIn(page);
      for (const view of VIEWS) {
        await open(page, view);
        await used[view](page);
        await page.screenshot({ path: join(pictures, `${view}-${look}.png`) });
        expect([view, await faultsOf(page)]).toEqual([view, []]);
        expect([view, await boxesOf(page)]).toEqual([view, []]);
        expect([view, await page.evaluate('document.documentElement.scrollWidth <= innerWidth')]).toEqual([view, true]);
      }
    });
  });
});

describe('by hand', () => {
  test('a wrong token is told, the right one opens, signing out closes', async () => {
    await withPage(looks['light'] ?? {}, async (page) => {
      await page.goto('/dashboard');
      await page.getByLabel('Admin token').fill('wrong');
      await page.keyboard.press('Enter');
      await page.getByText('not the admin token').waitFor();
      await signIn(page);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByLabel('Admin token').waitFor();
      await page.reload();
      await page.getByLabel('Admin token').waitFor();
    });
  });

  test('live: a request shows while it runs and when it is over; markup in it stays text', async () => {
    await withPage(looks['light'] ?? {}, async (page) => {
      await signIn(page);
      await open(page, 'live');
      await page.getByText(MARKUP).first().waitFor();
      // Runs until it is left: a page that is late would be told of a short one when it is over.
      const undo = await state.system.simulators.misbehave({ fault: { kind: 'silence', after: 3 } });
      const leaving = new AbortController();
      const asked = fetch(`${state.system.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...hello('write a long python function'), stream: true }), signal: leaving.signal });
      await page.locator('.story.running').waitFor();
      leaving.abort();
      await asked.then((answer) => answer.text()).catch(() => undefined);
      await page.locator('.story.running').waitFor({ state: 'detached' });
      await undo();
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByRole('button', { name: 'Go on' }).waitFor();
    });
  });

  test('accounts: added, tested, disabled, removed; a label of markup does nothing', async () => {
    await withPage(looks['light'] ?? {}, async (page) => {
      await signIn(page);
      await open(page, 'accounts');
      await page.getByRole('button', { name: 'Add an account' }).click();
      await page.getByRole('combobox', { name: 'Provider' }).selectOption('cerebras');
      await page.getByLabel('Key', { exact: true }).fill('sim-cerebras-carl');
      await page.getByLabel('Label').fill(MARKUP.slice(0, 60));
      await page.getByRole('button', { name: 'Add', exact: true }).click();
      await page.getByText(/no good label/).waitFor();
      await page.getByLabel('Label').fill('carl');
      await page.getByRole('button', { name: 'Add', exact: true }).click();
      await page.getByRole('button', { name: 'Test cerebras/carl' }).click();
      await page.locator('.toast.good', { hasText: /^cerebras\/carl:/ }).waitFor();
      await page.getByRole('button', { name: 'Disable cerebras/carl' }).click();
      await page.getByRole('button', { name: 'Enable cerebras/carl' }).waitFor();
      await page.getByRole('button', { name: 'Remove cerebras/carl' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
      await page.getByRole('button', { name: 'Enable cerebras/carl' }).waitFor({ state: 'detached' });
    });
  });

  test('accounts: what fails is told, and that it is left out', async () => {
    const { system } = state;
    const undo = await system.simulators.misbehave({ provider: 'cerebras', fault: { kind: 'refusal', name: 'server-error' } });
    await Promise.all(Array.from({ length: 3 }, () => system.chat({ ...hello(), model: 'cerebras/gpt-oss-120b' }, { 'x-tollfree-deadline-ms': '1500' }).then((answer) => answer.text())));
    await withPage(looks['light'] ?? {}, async (page) => {
      await signIn(page);
      await open(page, 'accounts');
      const failing = page.getByRole('region', { name: 'What fails' });
      await failing.getByText('Failing of late').waitFor();
      await failing.getByText(/^cerebras/).first().waitFor();
      await failing.scrollIntoViewIfNeeded();
      await page.screenshot({ path: join(pictures, 'failing-light.png') });
      expect(await faultsOf(page)).toEqual([]);
    });
    await undo();
  });

  test('today: who is disabled is no part of what is left, nor of what runs out', async () => {
    const { system } = state;
    const { accounts } = (await (await system.admin('GET', '/accounts')).json()) as { accounts: { id: string; provider: string }[] };
    const set = (enabled: boolean): Promise<unknown> => Promise.all(accounts.filter(({ provider }) => provider === 'groq').map(({ id }) => system.admin('PATCH', `/accounts/${id}`, { enabled })));
    await set(false);
    await withPage(looks['light'] ?? {}, async (page) => {
      await signIn(page);
      await page.locator('.account.disabled', { hasText: 'grace' }).waitFor();
      const hero = await page.locator('.hero').innerText();
      expect(hero).not.toMatch(/groq/i);
    });
    await set(true);
  });

  test('keys: what each may ask for and what each user has is told', async () => {
    const { id } = (await (await state.system.admin('POST', '/virtual-keys', { name: 'narrow', models: ['auto'], surfaces: ['chat'], user_limits: { requests_per_minute: 5 }, expires_at: '2099-01-31T12:00:00Z' })).json()) as { id: string };
    await withPage(looks['light'] ?? {}, async (page) => {
      await signIn(page);
      await open(page, 'keys');
      await page.getByText('only auto · by chat · each user 5 requests per minute · expires 31 Jan 2099').waitFor();
    });
    await state.system.admin('DELETE', `/virtual-keys/${id}`);
  });

  test('no account yet: Today says what to do and nothing else', async () => {
    const empty = await startSystem({ accounts: {} });
    await withPage(looks['light'] ?? {}, async (page) => {
      await signIn(page);
      await page.getByText('No account yet').waitFor();
      expect(await page.locator('.hero').count()).toBe(0);
    }, empty);
    await empty.close();
  });

  test('days are those of the record, wherever the browser is', async () => {
    await withPage({ ...looks['light'], timezoneId: 'America/Los_Angeles' }, async (page) => {
      await signIn(page);
      await open(page, 'history');
      await page.getByRole('button', { name: '30 days' }).click();
      const today = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(new Date());
      await page.locator('svg text', { hasText: today }).first().waitFor();
    });
  });

  test('keys: created with a budget, shown once, revoked', async () => {
    await withPage(looks['dark'] ?? {}, async (page) => {
      await signIn(page);
      await open(page, 'keys');
      await page.getByRole('button', { name: 'Create a key' }).click();
      await page.getByLabel('Name').fill('laptop');
      await page.getByLabel('Requests a day').fill('50');
      await page.getByRole('button', { name: 'Create', exact: true }).click();
      const secret = await page.getByLabel('Secret').inputValue();
      expect(secret).toMatch(/^tf-/);
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByText('requests per day').waitFor();
      expect(await page.content()).not.toContain(secret);
      await page.getByRole('button', { name: 'Revoke laptop' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
      await page.locator('.pill.revoked').waitFor();
    });
  });

  test('rules: a mistake is told at its line', async () => {
    await withPage(looks['light'] ?? {}, async (page) => {
      await signIn(page);
      await open(page, 'rules');
      await page.getByLabel('Rules as YAML').fill('routing_rules:\n  - nam: a\n');
      await page.getByRole('button', { name: 'Check' }).click();
      await page.getByRole('button', { name: 'go to line 2' }).first().waitFor();
      await page.getByRole('button', { name: 'As saved' }).click();
      await untilLoaded(page);
      await page.getByRole('button', { name: 'Check' }).click();
      await page.getByText(/no mistake/).waitFor();
    });
  });

  test('rules: saved, in force, and nobody else’s change overwritten', async () => {
    await withPage(looks['light'] ?? {}, async (page) => {
      await signIn(page);
      await open(page, 'rules');
      const file = page.getByLabel('Rules as YAML');
      await untilLoaded(page);
      const before = await file.inputValue();
      await file.fill(before.replaceAll('translation', 'interpreting'));
      await page.getByRole('button', { name: 'Save', exact: true }).click();
      await page.locator('.toast.good', { hasText: 'the rules are saved' }).waitFor();
      await page.locator('.rule', { hasText: 'interpreting' }).waitFor();

      const path = join(state.system.directory, 'routing-rules.yaml');
      expect(await readFile(path, 'utf8')).toBe(before.replaceAll('translation', 'interpreting'));
      await writeFile(path, `${before}# by hand\n`);
      await page.getByRole('button', { name: 'Save', exact: true }).click();
      await page.getByText(/was changed meanwhile/).waitFor();
      expect(await readFile(path, 'utf8')).toBe(`${before}# by hand\n`);
      await page.locator('.rule', { hasText: 'translation' }).waitFor();

      const trouble = page.getByRole('region', { name: 'Trouble' });
      await writeFile(path, 'routing_rules: []\n');
      await trouble.getByText(/stays in force/).waitFor();
      await page.screenshot({ path: join(pictures, 'rules-broken-light.png') });
      expect(await faultsOf(page)).toEqual([]);
      await writeFile(path, before);
      await trouble.getByText(/stays in force/).waitFor({ state: 'detached' });
    });
  });

  test('by keyboard alone: the skip link, the menu, a plot read by arrows', async () => {
    await withPage(looks['light'] ?? {}, async (page) => {
      await signIn(page);
      await open(page, 'history');
      await page.getByRole('img', { name: /^Requests, / }).focus();
      await page.keyboard.press('ArrowLeft');
      await page.getByText(/answered \d/).waitFor();
      await page.reload();
      await page.getByRole('navigation').waitFor();
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      expect(await page.evaluate('document.activeElement.id')).toBe('view');
    });
  });

  test('vault: locked and unlocked by its passphrase', async () => {
    await withPage(looks['light'] ?? {}, async (page) => {
      await lock(page);
      await page.getByLabel('Passphrase').fill('not this');
      await page.getByRole('button', { name: 'Unlock' }).click();
      await page.locator('.toast.bad').waitFor();
      await page.screenshot({ path: join(pictures, 'locked-light.png') });
      expect(await faultsOf(page)).toEqual([]);
      // Wherever one looks, and with the way to where it can be opened.
      const trouble = page.getByRole('region', { name: 'Trouble' });
      for (const view of ['today', 'accounts', 'playground']) {
        await open(page, view);
        await trouble.getByText('the vault is locked').waitFor();
      }
      await trouble.getByRole('link', { name: 'Unlock it' }).click();
      await page.getByLabel('Passphrase').fill(PASSPHRASE);
      await page.getByRole('button', { name: 'Unlock' }).click();
      await page.locator('.pill.unlocked').waitFor();
      await trouble.getByText('the vault is locked').waitFor({ state: 'detached' });
    });
  });

  test('vault: locked, one that opens with its key file alone asks for no passphrase', async () => {
    const keyOnly = await startSystem({ accounts: { groq: ['grace'] } });
    await withPage(looks['light'] ?? {}, async (page) => {
      await lock(page);
      await page.getByText('It opens with its key file alone').waitFor();
      expect(await page.getByLabel('Passphrase').count()).toBe(0);
    }, keyOnly);
    await keyOnly.close();
  });
});
