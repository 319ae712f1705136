// What a person does one step after another, and the moves that such steps have in common.
import path from "node:path";

/** How long VS Code may take to show something before it counts as missing, in milliseconds. */
export const patience = 40_000;

/** Goes through steps, prints how each ends, and ends VS Code. */
export async function play(steps, host) {
  const { page, dir } = host;
  page.setDefaultTimeout(patience);
  let failed = 0;
  try {
    for (const [name, step] of Object.entries(steps)) {
      try {
        await step();
        console.log(`ok   ${name}`);
      } catch (error) {
        failed++;
        console.log(`FAIL ${name}\n     ${error.message}`);
        await page.screenshot({ path: path.join(process.env.CKPT_FAILURES ?? dir, `failure-${failed}.png`) });
        await page.keyboard.press("Escape");
      }
    }
  } finally {
    await host.stop();
  }
  console.log(`${Object.keys(steps).length - failed} of ${Object.keys(steps).length} steps passed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

/** Opens a file of the workspace from the explorer. */
export async function openFile(page, name) {
  await page.locator(".monaco-workbench").waitFor();
  await page.keyboard.press("Control+Shift+E");
  await page.locator(".explorer-folders-view .monaco-list-row", { hasText: name }).first().dblclick();
  await page.locator(".tab.active", { hasText: name }).waitFor();
}

/** Goes to a place of the active editor, counted from 1. */
export async function go(page, line, column) {
  await page.keyboard.press("Control+1");
  await page.keyboard.press("Control+G");
  await page.locator(".quick-input-widget input").first().waitFor({ state: "visible" });
  await page.keyboard.type(`${line}:${column}`); // behind the colon that stands there
  await page.locator(".quick-input-list .monaco-list-row", { hasText: `line ${line} and character ${column}` }).first().waitFor();
  await page.keyboard.press("Enter");
  await page.locator(".quick-input-widget").waitFor({ state: "hidden" });
}

/** Runs a command from the command palette. */
export async function command(page, title) {
  await page.keyboard.press("F1");
  await page.locator(".quick-input-widget input").first().waitFor({ state: "visible" });
  await page.keyboard.type(title);
  await page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first().click();
}
