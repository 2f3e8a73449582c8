// The guide of the product, walked in a real Chromium: connect by consent and by key, with the keyboard alone as well, test, enable,
// let a prospect arrive on a page that is open, map a field of the account's own, break the platform and see the remedy, reconnect,
// try again, disconnect; the other platforms from connecting to disconnecting; no network; then every page under axe.
import assert from "node:assert/strict";
import { CLOSED, failure, faults, launch, look, pages, prospect, reader, token, until, world } from "./common.mjs";

const ACCOUNT = "88";
const SURE = /^Rejouer\s\S+\sfiches?$/;
const KEY = `pat-eu1-${ACCOUNT}-demo`;
/** The narrowest screen and the widest one, and the pages that are looked at there. */
const EDGES = [360, 3840];
const MAIN = ["catalogue", "connect_by_key", "overview", "logs", "failures", "fields", "data", "integration_settings", "activity", "settings"];
/** The other platforms, as their users connect them. What takes no prospects has nothing to create unless it is asked to. */
const OTHERS = [
  { platform: "Pipedrive", keys: ["pd-901-demo"], takes: true },
  { platform: "Salesforce", account: "00D000000000002EAA", takes: true },
  { platform: "Zendesk", site: "acme", takes: true },
  { platform: "Shopify", site: "acme.myshopify.com", takes: false },
  { platform: "WooCommerce", site: `${world.sandbox}/woocommerce/boutique`, keys: [`ck_${"1".repeat(40)}`, `cs_${"1".repeat(40)}`], takes: false },
];
const browser = await launch();
const troubles = [];
let step = "";

const says = (page, text) => page.getByText(text, { exact: false }).first().waitFor();
const press = (page, name) => page.getByRole("button", { name, exact: true }).first().click();
const check = async (page, name) => troubles.push(...await look(page, name));
const begin = (text) => { step = text; console.log(`  ${text}`); };

async function walk() {
  const page = await reader(browser, { troubles });

  begin("the catalogue is searched as one types, and says when nothing is found");
  const nothing = page.getByText("Aucun outil ne correspond");
  await page.locator("#q").fill("aucun de ce nom");
  await nothing.waitFor();
  await page.locator("#q").fill("pipedr");
  await page.locator("li.offer", { hasText: "Pipedrive" }).waitFor();
  assert.ok(await nothing.isHidden() && await page.locator("li.offer", { hasText: "Zendesk" }).isHidden());

  begin("the consent is denied, and the page says what to do");
  await page.goto(`${world.base}/dashboard/integrations/new?platform=hubspot`);
  await page.getByLabel("Nom de l'intégration").fill("CRM par accord");
  await press(page, "Connecter avec HubSpot");
  await page.waitForURL(`${world.sandbox}/**`);
  await page.locator("[name=account]").fill("99");
  await page.locator("button[value=refuse], button[value=deny]").first().click();
  await says(page, "Vous n'avez pas donné votre accord.");

  begin("the account is connected by consent");
  await press(page, "Connecter avec HubSpot");
  await page.waitForURL(`${world.sandbox}/**`);
  await page.locator("[name=account]").fill("99");
  await page.locator("button[value=grant]").click();
  await says(page, "Le compte est connecté.");
  const consented = new URL(page.url()).pathname;

  await walkByKeyboard(page);

  begin("a wrong key is refused beside its field, and the right one connects");
  await page.goto(`${world.base}/dashboard/integrations/new?platform=hubspot&by=key`);
  await page.getByLabel("Nom de l'intégration").fill("Mon CRM");
  await page.getByLabel("Clé API").fill("pas-une-cle");
  await press(page, "Créer l'intégration");
  await says(page, "n'accepte pas cette clé");
  await check(page, "a key that was refused");
  assert.equal(await page.getByLabel("Nom de l'intégration").inputValue(), "Mon CRM");
  await page.getByLabel("Clé API").fill(KEY);
  await press(page, "Créer l'intégration");
  await says(page, "L'intégration est créée.");
  const home = new URL(page.url()).pathname;
  world.integration = home.split("/").pop();

  begin("the same account is refused once more, and the page leads to where it is connected");
  await page.goto(`${world.base}/dashboard/integrations/new?platform=hubspot&by=key`);
  await page.getByLabel("Clé API").fill(KEY);
  await press(page, "Créer l'intégration");
  await page.getByRole("link", { name: "Ouvrir cette intégration" }).click();
  await page.waitForURL(world.base + home);

  begin("the connection is tested, and its first sync ends");
  await press(page, "Tester la connexion");
  await says(page, "Connexion établie en");
  await check(page, "a test that succeeded");
  await until("the first sync to end", async () => {
    await page.goto(world.base + home);
    return (await page.locator("progress").count()) === 0;
  });

  await walkUnseen(home);

  begin("a prospect arrives in the CRM, and on the journal that is open");
  await page.goto(`${world.base}${home}/logs`, { waitUntil: "commit" });
  await page.waitForResponse((answer) => new URL(answer.url()).pathname === "/api/v1/stream");
  await page.waitForLoadState("domcontentloaded");
  // Whoever asks for the page once more loses this.
  await page.evaluate(() => { document.body.dataset.opened = "once"; });
  await prospect("walk", { first_name: "Éloïse", last_name: "Martin", email: "eloise.walk@example.fr", city: "Nîmes" });
  const arrived = page.locator("body[data-opened=once] tbody a.row", { hasText: "Création" }).first();
  await arrived.waitFor({ timeout: 60_000 });
  const row = page.locator(`a.row[href="${await arrived.getAttribute("href")}"]`);

  begin("whoever walks the journal by the keyboard stays on their row while others come");
  await row.focus();
  const newest = await page.locator("tbody a.row").first().getAttribute("href");
  await prospect("walk-next", { first_name: "Inès", last_name: "Petit", email: "ines.walk@example.fr" });
  await page.waitForFunction((known) => document.querySelector("tbody a.row").getAttribute("href") !== known, newest, { timeout: 60_000 });
  assert.ok(await row.evaluate((element) => element === document.activeElement));
  await press(page, "Mettre en pause");
  assert.ok(await page.locator(".moves .status").isHidden());
  await press(page, "Reprendre");
  assert.ok(await page.locator(".moves .status").isVisible());
  await page.getByRole("button", { name: "Mettre en pause" }).waitFor();
  await row.click();
  await says(page, "eloise.walk@example.fr");
  await page.goto(`${world.base}${home}/data?q=eloise.walk@example.fr`);
  await page.getByRole("link", { name: "Éloïse Martin" }).click();
  await says(page, "Sur les plateformes");
  await says(page, "À jour");

  begin("a field of the account's own is mapped, once its preview was seen");
  const made = await fetch(`${world.sandbox}/hubspot/crm/properties/2026-03/contacts`, {
    method: "POST", headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "ville_sara", label: "Ville de Sara", groupName: "contactinformation", type: "string", fieldType: "text" }),
  });
  assert.ok(made.ok, `the property: ${made.status}`);
  await page.goto(`${world.base}${home}/fields`);
  await press(page, "Lire les champs de HubSpot");
  await says(page, "Les champs de la plateforme sont à jour.");
  const blank = page.locator("fieldset.map").nth(-2);
  await blank.getByLabel("Champ Coccinelle").selectOption({ label: "Ville" });
  await blank.getByLabel("Champ de la plateforme").fill("ville_sara");
  await blank.getByLabel("Direction").selectOption("to_platform");
  await press(page, "Voir l'aperçu");
  await says(page, "1 fiche déjà présente serait modifiée");
  await check(page, "the preview of a mapping");
  await press(page, "Enregistrer ce mapping");
  await says(page, "Le mapping est enregistré.");
  await until("the city in the CRM", async () => {
    const found = await fetch(`${world.sandbox}/hubspot/crm/objects/2026-03/contacts?properties=ville_sara&limit=100`, { headers: { authorization: `Bearer ${KEY}` } });
    return (await found.text()).includes("Nîmes");
  });

  begin("the platform refuses the key: the page says what happened and what helps");
  await faults(ACCOUNT, { token_revoked: true });
  await page.goto(world.base + home);
  await press(page, "Tester la connexion");
  await says(page, "La connexion a échoué");
  await says(page, "Reconnexion requise");
  await check(page, "a test that failed");
  await page.getByRole("link", { name: "Reconnecter", exact: true }).click();
  await page.waitForURL(`${world.base}${home}/settings#credentials`);
  // The account's owner has made another key.
  await faults(ACCOUNT, { token_revoked: false });
  await page.locator("#credentials input[type=password]").first().fill(`pat-eu1-${ACCOUNT}-renouvelee`);
  await press(page, "Enregistrer");
  await says(page, "C'est enregistré.");
  await connected(page, home);

  begin("a consent that was withdrawn is given again by the button that the page shows");
  await page.goto(world.base + consented);
  await press(page, "Activer et lancer la première synchronisation");
  await says(page, "Actif");
  await faults("99", { token_revoked: true });
  await page.goto(world.base + consented);
  await press(page, "Tester la connexion");
  await says(page, "Reconnexion requise");
  await faults("99", { token_revoked: false });
  await press(page, "Reconnecter avec HubSpot");
  await page.waitForURL(`${world.sandbox}/**`);
  await page.locator("[name=account]").fill("99");
  await page.locator("button[value=grant]").click();
  await says(page, "Le compte est connecté.");
  await connected(page, consented);

  begin("what the platform refuses is seen with its remedy, counted, and tried again");
  await failure("walk-refused", ACCOUNT);
  await page.goto(`${world.base}${home}/failures`);
  await page.locator("tbody a.row").first().click();
  await says(page, "Que faire");
  await press(page, "Rejouer ce groupe");
  await says(page, "Rien n'est encore parti.");
  await check(page, "the count before trying again");
  await page.getByRole("button", { name: SURE }).click();
  await says(page, "C'est rejoué.");
  // What else was under way when the platform refused is tried again together.
  await until("nothing to fail any more", async () => {
    await page.goto(`${world.base}${home}/failures`);
    if (await page.getByText("Aucun échec").count()) return true;
    await page.getByRole("button", { name: "Compter" }).click();
    const sure = page.getByRole("button", { name: SURE });
    if (await sure.count()) await sure.click();
    return false;
  });

  begin("both are disconnected");
  await disconnect(page, home, "Mon CRM");
  await disconnect(page, consented, "CRM par accord");

  for (const other of OTHERS) await walkOther(page, other);
  await walkToken(page);
  await page.context().close();
}

/** What has the focus: what it is called, which stop of a page it is, and whether one sees that it has the focus. */
const focused = (page) => page.evaluate(() => {
  const element = document.activeElement;
  // A card and a row draw their outline around the whole of themselves.
  const drawn = [getComputedStyle(element), getComputedStyle(element, "::after")];
  return {
    name: element.getAttribute("name") ?? element.textContent.trim().slice(0, 80),
    stop: element.dataset.stop,
    isSeen: drawn.some((style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0),
  };
});

/** Goes through a page by the tabulator alone: everything that can be used there is reached once at least, and shows it. */
async function tabThrough(page, name) {
  const count = await page.evaluate(() => {
    const usable = "a[href], button, input:not([type=hidden]), select, textarea, summary";
    const groups = new Set();
    // One of a group of radio buttons takes the focus: the one that is chosen.
    const isStop = (each) => {
      if (each.matches(":disabled") || !each.checkVisibility()) return false;
      if (each.type !== "radio") return true;
      const group = [...document.getElementsByName(each.name)].filter((other) => other.form === each.form);
      const stop = group.find((other) => other.checked) ?? group[0];
      return each === stop && !groups.has(each) && groups.add(each);
    };
    const stops = [...document.querySelectorAll(usable)].filter(isStop);
    stops.forEach((each, number) => { each.dataset.stop = number; });
    return stops.length;
  });
  const left = new Set(Array.from({ length: count }, (_, number) => String(number)));
  // What scrolls takes the focus as well. A date takes it part by part, and shows it itself or by the part.
  for (let pressed = 0; left.size > 0 && pressed < count * 3 + 50; pressed += 1) {
    await page.keyboard.press("Tab");
    const here = await focused(page);
    if (here.isSeen) left.delete(here.stop);
  }
  const missed = await page.evaluate((left) => left.map((stop) => document.querySelector(`[data-stop="${stop}"]`)?.outerHTML.slice(0, 200)), [...left]);
  assert.deepEqual(missed, [], `${name}: not reached by the tabulator, or nobody sees that it has the focus`);
}

/** Goes on by the tabulator until this has the focus. Whatever has it on the way must show it; what that was. */
async function tabTo(page, target) {
  const passed = [];
  for (;;) {
    await page.keyboard.press("Tab");
    const here = await focused(page);
    passed.push(here.name);
    assert.ok(here.isSeen, `what has the focus cannot be seen after ${passed.join(", ")}`);
    if (await page.evaluate((wanted) => document.activeElement.matches(wanted), target)) return passed;
    assert.ok(passed.length < 80, `${target} cannot be reached: ${passed.join(", ")}`);
  }
}

async function walkByKeyboard(page) {
  begin("the form is walked by the keyboard alone, and what has the focus is seen");
  await page.goto(`${world.base}/dashboard/integrations/new?platform=hubspot&by=key`);
  const passed = await tabTo(page, "form.form button.primary");
  for (const name of ["name", "api_key", "direction", "frequency", "start"]) {
    assert.ok(passed.includes(name), `${name} is not among ${passed.join(", ")}`);
  }
  await page.keyboard.press("Enter");
  await page.locator(".field.wrong").first().waitFor();
  await check(page, "an empty form that was refused");
}

/** The connection works, and the integration no longer asks to be reconnected. */
async function connected(page, home) {
  await page.goto(world.base + home);
  await press(page, "Tester la connexion");
  await says(page, "Connexion établie en");
  await until("nothing to be reconnected", async () => {
    await page.goto(world.base + home);
    return (await page.locator(".status.reauth").count()) === 0;
  });
}

/** Without a network, a page that was kept says so; with one, the page that was asked for comes by itself. */
async function walkOffline() {
  begin("without a network, the page that says so is shown");
  const page = await reader(browser, { serviceWorkers: "allow", troubles });
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
  await comesBack(page);
  begin("it gives way to the page that was asked for though the browser does not say that the network is back");
  await page.addInitScript(() => addEventListener("online", (event) => event.stopImmediatePropagation()));
  await comesBack(page);
  await page.context().close();
}

async function comesBack(page) {
  await page.context().setOffline(true);
  await page.goto(`${world.base}/dashboard/activity`);
  await says(page, "Vous êtes hors ligne");
  await check(page, "no network");
  await page.context().setOffline(false);
  await page.getByRole("heading", { level: 1, name: "Activité" }).waitFor();
}

/** What a live page does with news while nobody looks at it. The stream is ours, and so is whether somebody looks. */
async function walkUnseen(home) {
  begin("a tab that nobody looks at waits for nothing, and asks once somebody comes back to it");
  const page = await reader(browser, { troubles });
  await page.addInitScript(() => {
    window.armed = 0;
    window.unseen = true;
    const arm = window.setTimeout;
    window.setTimeout = (what, wait) => { window.armed += wait === 700 ? 1 : 0; return arm(what, wait); };
    window.EventSource = class extends EventTarget { constructor() { super(); window.stream = this; } close() {} };
    Object.defineProperty(document, "hidden", { get: () => window.unseen });
  });
  await page.goto(`${world.base}${home}/logs`);
  assert.equal(await page.evaluate(() => {
    window.stream.dispatchEvent(new MessageEvent("attempt", { data: "{}" }));
    return window.armed;
  }), 0);
  assert.equal(await page.evaluate(() => {
    window.unseen = false;
    document.dispatchEvent(new Event("visibilitychange"));
    return window.armed;
  }), 1);
  await page.context().close();
}

async function disconnect(page, home, name) {
  await page.goto(`${world.base}${home}/settings`);
  await page.locator("#confirm").fill("autre chose");
  await page.locator("button.danger").click();
  await says(page, "Ce n'est pas le nom de l'intégration");
  await page.locator("#confirm").fill(name);
  await page.locator("button.danger").click();
  await says(page, "L'intégration est supprimée");
}

/** From the catalogue's card to a prospect that arrived, and away again. */
async function walkOther(page, { platform, account, site, keys, takes }) {
  begin(`${platform} is connected ${keys ? "by its key" : "by consent"}, tested, fed and disconnected`);
  const slug = platform.toLowerCase();
  const name = `${platform} du guide`;
  await page.goto(`${world.base}/dashboard/integrations/new?platform=${slug}${keys ? "&by=key" : ""}`);
  await page.locator("#name").fill(name);
  if (site) await page.locator("#url").fill(site);
  for (const [number, key] of (keys ?? []).entries()) await page.locator("input[type=password]").nth(number).fill(key);
  if (keys) {
    await press(page, "Créer l'intégration");
    await says(page, "L'intégration est créée.");
  } else {
    await press(page, `Connecter avec ${platform}`);
    await page.waitForURL(`${world.sandbox}/**`);
    if (account) await page.locator("[name=account]").fill(account);
    await page.locator("button[value=grant]").click();
    await says(page, "Le compte est connecté.");
  }
  const home = new URL(page.url()).pathname;
  await press(page, "Tester la connexion");
  await says(page, "Connexion établie en");
  const enable = page.getByRole("button", { name: "Activer", exact: true });
  if (await enable.count()) await enable.first().click();
  await says(page, "Désactiver");
  if (takes) {
    await prospect(slug, { first_name: "Zoé", last_name: platform, email: `zoe.${slug}@example.fr` });
    await until(`the prospect in ${platform}`, async () => {
      const written = await fetch(`${world.sandbox}/_sandbox/journal?platform=${slug}&limit=10000`);
      return (await written.text()).includes(`zoe.${slug}@example.fr`);
    });
  }
  await disconnect(page, home, name);
}

/** From the form to a program that is let in, and no longer. */
async function walkToken(page) {
  begin("a token is made for a program, opens the API, and is revoked");
  await page.goto(`${world.base}/dashboard/settings`);
  await page.locator("#token-name").fill("Export CRM");
  await page.locator("input[name=role][value=viewer]").check();
  await press(page, "Créer le jeton");
  await says(page, "Copiez-le maintenant");
  const authorization = `Bearer ${await page.locator("#token").inputValue()}`;
  const isLetIn = async (status) => {
    const answer = await fetch(`${world.base}/api/v1/session`, { headers: { authorization } });
    if (answer.status !== status) throw new Error(`the token was answered ${answer.status}, not ${status}`);
  };
  await isLetIn(200);
  await press(page, "Révoquer Export CRM");
  await says(page, "Le jeton est révoqué.");
  await isLetIn(401);
}

async function lookAtAll(viewer) {
  begin("the main pages are walked by the keyboard alone");
  const walked = await reader(browser, { troubles });
  // What is drawn anew meanwhile would be other elements than those that are to be reached.
  await walked.route("**/api/v1/stream", (route) => route.abort());
  for (const [name, at] of (await pages()).filter(([name]) => MAIN.includes(name))) {
    await walked.goto(world.base + at);
    await tabThrough(walked, name);
  }
  await walked.context().close();
  for (const width of EDGES) {
    begin(`axe on the main pages, ${width} px wide`);
    const page = await reader(browser, { width, troubles });
    for (const [name, at] of (await pages()).filter(([name]) => MAIN.includes(name))) {
      await page.goto(world.base + at);
      await check(page, `${name} (${width})`);
    }
    await page.context().close();
  }
  for (const language of ["fr", "en"]) {
    for (const theme of ["light", "dark"]) {
      begin(`axe on every page (${language}, ${theme})`);
      const page = await reader(browser, { language, theme, troubles });
      for (const [name, at] of await pages()) {
        await page.goto(world.base + at);
        await check(page, `${name} (${language}, ${theme})`);
      }
      await page.context().close();
      const closed = await reader(browser, { language, theme, troubles, token: viewer });
      await closed.goto(world.base + CLOSED[1]);
      await check(closed, `${CLOSED[0]} (${language}, ${theme})`);
      await closed.context().close();
    }
  }
}

const demo = world.integration;
try {
  await walk();
  await walkOffline();
  world.integration = demo;
  await failure("seen", "4242");
  await token("Standard téléphonique");
  await lookAtAll(await token("Tableau de bord", "viewer"));
} catch (error) {
  troubles.push(`while ${step}: ${error.stack ?? error}`);
  for (const context of browser.contexts()) {
    for (const page of context.pages()) troubles.push(`${page.url()}\n${(await page.locator("main").innerText().catch(() => "")).slice(0, 2_000)}`);
  }
}
await browser.close();
for (const trouble of troubles) console.error(trouble);
process.exitCode = troubles.length > 0 ? 1 : 0;
