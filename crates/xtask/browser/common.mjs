// What the screenshots and the browser suite share: a Chromium, somebody who has logged in, and every page of the dashboard.
import fs from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const world = {
  base: process.env.DASHBOARD_URL,
  sandbox: process.env.SANDBOX_URL,
  token: process.env.ADMIN_TOKEN,
  service: process.env.SERVICE_TOKEN,
  integration: process.env.INTEGRATION,
  out: process.env.SCREENSHOTS ?? ".",
};

const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

/** A browser in which somebody reads in this language and this light. What the pages' own policy refuses is a failure. */
export async function reader(browser, { language = "fr", theme = "light", width = 1440, troubles = [], token = world.token, ...more } = {}) {
  const context = await browser.newContext({
    viewport: { width, height: 900 }, colorScheme: theme, locale: language, serviceWorkers: "block", reducedMotion: "reduce", ...more,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on("pageerror", (error) => troubles.push(`${page.url()}: ${error}`));
  page.on("console", (line) => {
    if (/Content Security Policy/i.test(line.text())) troubles.push(`${page.url()}: ${line.text()}`);
  });
  await page.goto(`${world.base}/dashboard/login#token=${token}`);
  await page.waitForURL("**/dashboard/integrations");
  return page;
}

/** A page that who may only look is refused, by the name of its picture. */
export const CLOSED = ["forbidden", "/dashboard/integrations/new?platform=hubspot"];

/** Every page that who may change something sees, by the name of its picture. */
export async function pages() {
  const ask = async (path) => (await fetch(`${world.base}/api/v1${path}`, { headers: { authorization: `Bearer ${world.token}` } })).json();
  const home = `/dashboard/integrations/${world.integration}`;
  const here = `/integrations/${world.integration}`;
  const first = async (path) => (await ask(path)).data?.[0]?.id;
  const [log, record, delivery] = [await first(`${here}/logs`), await first("/records"), await first(`${here}/webhook-logs`)];
  const failure = (await ask(`${here}/failures`)).data?.[0]?.fingerprint;
  return Object.entries({
    catalogue: "/dashboard/integrations",
    connect: "/dashboard/integrations/new?platform=hubspot",
    connect_by_key: "/dashboard/integrations/new?platform=hubspot&by=key",
    connect_shop: "/dashboard/integrations/new?platform=woocommerce",
    denied: `${home}?oauth_error=consent_denied`,
    overview: home,
    logs: `${home}/logs`,
    log: log && `${home}/logs/${log}`,
    failures: `${home}/failures`,
    failure: failure && `${home}/failures/${encodeURIComponent(failure)}`,
    fields: `${home}/fields`,
    data: `${home}/data`,
    record: record && `${home}/data/${record}`,
    webhooks: `${home}/webhooks`,
    delivery: delivery && `${home}/webhooks/${delivery}`,
    integration_settings: `${home}/settings`,
    activity: "/dashboard/activity",
    settings: "/dashboard/settings",
    login: "/dashboard/login",
    missing: "/dashboard/nowhere",
    offline: "/dashboard/offline",
  }).filter(([, path]) => path);
}

/** What axe finds on the page as it is, and whether something does not fit the screen. */
export async function look(page, name) {
  // The page's policy lets nothing in; through the debugger it does.
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  const faults = found.violations.map((fault) => `${name}: ${fault.id} at ${fault.nodes.map((node) => node.target).join(", ")}`);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (over > 0) faults.push(`${name}: ${over} px wider than the screen`);
  return faults;
}

/** Asks until it holds; says what was last seen where it never does. */
export async function until(what, ask, patience = 60_000) {
  const end = Date.now() + patience;
  for (let seen; ;) {
    seen = await ask();
    if (seen) return seen;
    if (Date.now() > end) throw new Error(`${what}: not within ${patience / 1000} s`);
    await new Promise((next) => setTimeout(next, 250));
  }
}

/** Hands a prospect over, as Coccinelle's backend does. */
export async function prospect(number, data) {
  const event = { event_id: `browser-${number}`, type: "prospect.created", subject_id: `browser-${number}`, occurred_at: new Date().toISOString(), data };
  const answer = await fetch(`${world.base}/api/v1/events`, {
    method: "POST", headers: { authorization: `Bearer ${world.service}`, "content-type": "application/json" }, body: JSON.stringify(event),
  });
  if (answer.status !== 202) throw new Error(`an event was answered ${answer.status}: ${await answer.text()}`);
}

/** Changes the switches of the stand-in's account. */
export async function faults(account, patch) {
  const answer = await fetch(`${world.sandbox}/_sandbox/hubspot/${account}/faults`, { method: "PUT", body: JSON.stringify(patch) });
  if (!answer.ok) throw new Error(`the switches were answered ${answer.status}`);
}

/** A failure that waits for its remedy, so that there is something to see. */
export async function failure(number, account) {
  await faults(account, { fail_all_status: 400 });
  await prospect(number, { first_name: "Refusé", last_name: "Partout", email: `refuse-${number}@example.fr` });
  const path = `${world.base}/api/v1/integrations/${world.integration}/failures`;
  await until("a failure", async () => {
    const answer = await fetch(path, { headers: { authorization: `Bearer ${world.token}` } });
    return (await answer.json()).data?.length > 0;
  });
  await faults(account, { fail_all_status: null });
}

/** A token, so that there is one to see; returns it. */
export async function token(name, role = "service") {
  const answer = await fetch(`${world.base}/api/v1/tokens`, {
    method: "POST", headers: { authorization: `Bearer ${world.token}`, "content-type": "application/json" },
    body: JSON.stringify({ name, role, days: 90 }),
  });
  if (answer.status !== 201) throw new Error(`a token was answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()).token;
}
