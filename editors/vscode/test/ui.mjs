// What a person does, with mouse and keyboard. Under CKPT_PICTURES=1 it takes the pictures of the README on its way.
import assert from "node:assert/strict";
import { cpSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import path from "node:path";
import { start } from "./host.mjs";
import { command, go, openFile, patience, play } from "./steps.mjs";

const root = path.resolve(import.meta.dirname, "..");
const [walkthrough] = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")).contributes.walkthroughs;
const scenario = path.resolve(root, "../../testdata/scenarios/1_resnet_resume/train.py");

const settings = {
  "workbench.colorTheme": "Default Light Modern",
  "editor.fontSize": 13,
  "editor.minimap.enabled": false,
  "window.commandCenter": false,
  "workbench.activityBar.location": "hidden",
  "workbench.layoutControl.enabled": false,
  "editor.cursorBlinking": "solid",
};

const host = await start({ fill: (folder) => cpSync(scenario, path.join(folder, "train.py")), settings, viewport: { width: 1100, height: 680 } });
const { page } = host;
const pictures = process.env.CKPT_PICTURES === "1" ? path.join(root, "images") : host.dir;
const picture = (name) => page.screenshot({ path: path.join(pictures, `${name}.png`) });

/** Shows the hover at a place, which holds a text. */
async function hover(line, column, text) {
  await go(page, line, column);
  await page.keyboard.press("Control+K");
  await page.keyboard.press("Control+I");
  await page.locator(".monaco-hover:visible", { hasText: text }).first().waitFor();
}

const steps = {
  async "open the script"() {
    await openFile(page, "train.py");
    await page.keyboard.press("Control+B"); // the explorer is not needed
  },
  async "a squiggle and a code lens"() {
    await go(page, 78, 15);
    await page.locator(".squiggly-warning").first().waitFor();
    await page.locator(".codelens-decoration", { hasText: /checkpoint \d of \d: add/ }).waitFor();
    await picture("lens");
  },
  async "the Problems view"() {
    await page.keyboard.press("Control+Shift+M");
    await page.locator(".markers-panel .monaco-list-row", { hasText: "CKP101" }).first().waitFor();
    await picture("problems");
    await page.keyboard.press("Control+Shift+M");
    await page.keyboard.press("Control+1");
  },
  async "a hover on a save"() {
    await hover(78, 15, "is not saved in this checkpoint"); // what VS Code shows of a finding
    await page.locator(".monaco-hover:visible", { hasText: "Missing: optimizer, scheduler" }).first().waitFor();
    await page.keyboard.press("Escape");
  },
  async "a hover on a load"() {
    await hover(61, 30, "Load of a checkpoint");
    await sleep(700); // it fades in
    await picture("hover");
    await page.keyboard.press("Escape");
  },
  async "the lightbulb's menu and its fix"() {
    await go(page, 78, 15);
    await page.keyboard.press("Control+.");
    const row = page.locator(".action-widget .monaco-list-row", { hasText: "Complete this checkpoint" }).first();
    await row.waitFor();
    await picture("fix");
    const box = await row.boundingBox();
    await page.mouse.move(box.x + 40, box.y + box.height / 2, { steps: 5 }); // a row is chosen when the mouse comes over it
    await page.mouse.click(box.x + 40, box.y + box.height / 2);
    await page.locator(".view-line", { hasText: "optimizer.state_dict()" }).first().waitFor();
    await page.locator(".codelens-decoration", { hasText: "checkpoint 5 of 6" }).waitFor();
    await picture("fixed");
  },
  async "a save"() {
    await page.keyboard.press("Control+S");
    const file = path.join(host.folder, "train.py");
    for (const end = Date.now() + patience; !readFileSync(file, "utf8").includes("optimizer.state_dict()"); await sleep(50)) {
      assert.ok(Date.now() < end, "the fixed text did not come to the disk");
    }
  },
  async "the contract by the command palette"() {
    await command(page, "ckpt-lsp: Show the Checkpoint Contract");
    await page.locator(".tab.active", { hasText: /contract/i }).waitFor();
    await sleep(1500); // the preview draws itself in a frame of its own
    await picture("contract");
  },
  async "the timeline by the command palette"() {
    await openFile(page, "train.py");
    await command(page, "ckpt-lsp: Show the Timeline of This Training");
    await page.locator(".tab.active", { hasText: "Timeline of train.py" }).waitFor();
    await sleep(1500); // it draws itself in a frame of its own
    await picture("timeline");
    await command(page, "View: Close All Editors"); // it stands beside the program, which is then open in two groups
  },
  async "a proof, in a window whose files are on another machine, as code-server's are"() {
    await openFile(page, "train.py");
    await command(page, "ckpt-lsp: Prove This Script in a Terminal");
    await page.locator(".terminal-wrapper.active").first().waitFor();
    await page.locator(".tabs-list, .single-terminal-tab", { hasText: "prove train.py" }).first().waitFor();
    await page.keyboard.press("Control+J");
  },
  async "the walkthrough and the example that it opens"() {
    const { title, steps } = walkthrough;
    await command(page, "Welcome: Open Walkthrough");
    await page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first().click();
    await page.locator(".gettingStartedContainer .category-title", { hasText: title }).first().waitFor();
    for (const step of steps) {
      await page.locator(".getting-started-step .step-title", { hasText: step.title }).first().waitFor();
    }
    await page.locator(".getting-started-step").getByRole("button", { name: "Open the Example" }).click();
    await page.locator(".tab.active", { hasText: "Untitled" }).waitFor();
  },
};

await play(steps, host);
