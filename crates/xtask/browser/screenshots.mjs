// A picture of every page, in both languages, both themes and three widths, and of some on the widest screen; what axe finds on the
// way is told.
import fs from "node:fs";
import path from "node:path";
import { CLOSED, failure, launch, look, pages, prospect, reader, token, until, world } from "./common.mjs";

const WIDTHS = [360, 768, 1440];
/** The widest screen, and what changes most on it. */
const WIDEST = 3840;
const ON_WIDEST = ["catalogue", "overview", "logs", "fields", "activity"];

await prospect("seen", { first_name: "Éloïse", last_name: "Martin", email: "eloise.martin@example.fr", phone: "06 12 34 56 78", city: "Nîmes" });
await until("the prospect in the CRM", async () => {
  const path = `${world.base}/api/v1/integrations/${world.integration}/logs?type=create&status=success`;
  const answer = await fetch(path, { headers: { authorization: `Bearer ${world.token}` } });
  return (await answer.json()).data?.length > 0;
});
await failure("failed", "4242");
await token("Standard téléphonique");
const viewer = await token("Tableau de bord", "viewer");
fs.mkdirSync(world.out, { recursive: true });
const browser = await launch();
const [all, found] = [await pages(), []];
let taken = 0;

async function take(some, { language, theme, width }, by = world.token) {
  const page = await reader(browser, { language, theme, width, token: by, bypassCSP: true });
  for (const [name, at] of some) {
    await page.goto(world.base + at);
    await page.screenshot({ path: path.join(world.out, `${name}-${language}-${theme}-${width}.png`), fullPage: true });
    found.push(...await look(page, `${name} (${language}, ${theme}, ${width})`));
    taken += 1;
  }
  await page.context().close();
}

for (const language of ["fr", "en"]) {
  for (const theme of ["light", "dark"]) {
    for (const width of WIDTHS) {
      await take(all, { language, theme, width });
      await take([CLOSED], { language, theme, width }, viewer);
    }
  }
}
await take(all.filter(([name]) => ON_WIDEST.includes(name)), { language: "fr", theme: "light", width: WIDEST });
await browser.close();
console.log(`${all.length + 1} pages, ${taken} pictures in ${world.out}`);
for (const fault of found) console.error(fault);
process.exitCode = found.length > 0 ? 1 : 0;
