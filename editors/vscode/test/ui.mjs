// What a person does, with mouse and keyboard. Under CKPT_PICTURES=1 it takes the pictures of the README on its way.
import assert from "node:assert/strict";
import { cpSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import path from "node:path";
import { start } from "./host.mjs";

const root = path.resolve(import.meta.dirname, "..");
const scenario = path.resolve(root, "../../testdata/scenarios/1_resnet_resume/train.py");

/** How long VS Code may take to show something before it counts as missing, in milliseconds. */
const patience = 40_000;

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
page.setDefaultTimeout(patience);
const pictures = process.env.CKPT_PICTURES === "1" ? path.join(root, "images") : host.dir;
const picture = (name) => page.screenshot({ path: path.join(pictures, `${name}.png`) });

/** Goes to a place of the active editor, counted from 1. */
async function go(line, column) {
  await page.keyboard.press("Control+1");
  await page.keyboard.press("Control+G");
  await page.locator(".quick-input-widget input").first().waitFor({ state: "visible" });
  await page.keyboard.type(`${line}:${column}`); // behind the colon that stands there
  await page.locator(".quick-input-list .monaco-list-row", { hasText: `line ${line} and character ${column}` }).first().waitFor();
  await page.keyboard.press("Enter");
  await page.locator(".quick-input-widget").waitFor({ state: "hidden" });
}

const steps = {
  async "open the script"() {
    await page.locator(".monaco-workbench").waitFor();
    await page.keyboard.press("Control+Shift+E");
    await page.locator(".explorer-folders-view .monaco-list-row", { hasText: "train.py" }).first().dblclick();
    await page.locator(".tab.active", { hasText: "train.py" }).waitFor();
    await page.keyboard.press("Control+B"); // the explorer is not needed
  },
  async "a squiggle and a code lens"() {
    await go(78, 15);
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
  async "a hover"() {
    await go(78, 15);
    await page.keyboard.press("Control+K");
    await page.keyboard.press("Control+I");
    await page.locator(".monaco-hover:visible", { hasText: "is not saved in this checkpoint" }).first().waitFor();
    await sleep(700); // it fades in
    await picture("hover");
    await page.keyboard.press("Escape");
  },
  async "the lightbulb's menu and its fix"() {
    await go(78, 15);
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
    await page.keyboard.press("F1");
    await page.locator(".quick-input-widget input").first().waitFor({ state: "visible" });
    await page.keyboard.type("ckpt-lsp: Show the Checkpoint Contract");
    await page.locator(".quick-input-list .monaco-list-row", { hasText: "Show the Checkpoint Contract" }).first().waitFor();
    await page.keyboard.press("Enter");
    await page.locator(".tab.active", { hasText: /contract/i }).waitFor();
    await sleep(1500); // the preview draws itself in a frame of its own
    await picture("contract");
  },
};

let failed = 0;
try {
  for (const [name, step] of Object.entries(steps)) {
    try {
      await step();
      console.log(`ok   ${name}`);
    } catch (error) {
      failed++;
      console.log(`FAIL ${name}\n     ${error.message}`);
      await page.screenshot({ path: path.join(process.env.CKPT_FAILURES ?? host.dir, `failure-${failed}.png`) });
      await page.keyboard.press("Escape");
    }
  }
} finally {
  await host.stop();
}
console.log(`${Object.keys(steps).length - failed} of ${Object.keys(steps).length} steps passed`);
process.exitCode = failed > 0 ? 1 : 0;
