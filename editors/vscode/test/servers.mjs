// Which server the extension runs: in a folder that is not trusted, once it is, and as the selected Python environment changes. Every
// server that could be run notes that it was.
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import path from "node:path";
import { start } from "./host.mjs";
import { command, go, openFile, patience, play } from "./steps.mjs";

const scenario = path.resolve(import.meta.dirname, "../../../testdata/scenarios/1_resnet_resume/train.py");
const dir = mkdtempSync(path.join(tmpdir(), "ckpt-servers-"));
const notes = path.join(dir, "notes");
const server = (name, file) => {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\necho "${name} $1" >>"${notes}"\nexec "${process.env.CKPT_LSP_SERVER}" "$@"\n`, { mode: 0o755 });
  return file;
};

/** All that was run by now, as "name argument". */
const runs = () => (existsSync(notes) ? readFileSync(notes, "utf8").trim().split("\n") : []);

/** The servers that were started by now, by name. */
const started = () => runs().filter((line) => line.endsWith(" server")).map((line) => line.split(" ")[0]);

/** Writes the settings of the workspace. */
const settle = (folder, settings) => {
  mkdirSync(path.join(folder, ".vscode"), { recursive: true });
  writeFileSync(path.join(folder, ".vscode", "settings.json"), JSON.stringify(settings));
};

const interpreter = (folder, name) => ({ "python.defaultInterpreterPath": path.join(folder, name, "bin", "python") });

function fill(folder) {
  cpSync(scenario, path.join(folder, "train.py"));
  server("setting", path.join(folder, "tools", "ckpt-lsp"));
  for (const name of [".venv", "selected", "other"]) {
    server(name, path.join(folder, name, "bin", "ckpt-lsp"));
  }
  settle(folder, { "ckpt-lsp.path": "tools/ckpt-lsp", ...interpreter(folder, "selected") });
}

const host = await start({
  fill,
  asksForTrust: true,
  others: ["python"],
  bundled: server("bundled", path.join(dir, "ckpt-lsp")),
  settings: { "ckpt-lsp.path": undefined },
});
const { page, folder } = host;

/** Waits until a server was started last, and the findings are shown. */
async function serves(name) {
  for (const end = Date.now() + patience; started().at(-1) !== name; await sleep(50)) {
    assert.ok(Date.now() < end, `${name} does not serve; there were: ${runs().join(", ")}`);
  }
  await page.locator(".squiggly-warning").first().waitFor();
}

const steps = {
  async "a folder that is not trusted: the bundled server alone"() {
    await page.getByRole("button", { name: "No, I don't trust the authors" }).click();
    await openFile(page, "train.py");
    await go(page, 78, 15); // a finding's place
    await serves("bundled");
    await sleep(1000); // for another one to come
    assert.deepEqual(runs(), ["bundled version", "bundled server"]);
  },
  async "trust is granted: the server of the setting"() {
    await command(page, "Workspaces: Manage Workspace Trust");
    await page.locator(".workspace-trust-editor").getByRole("button", { name: /^Trust/ }).first().click();
    await openFile(page, "train.py");
    await serves("setting");
  },
  async "no setting any more: the selected environment's"() {
    settle(folder, interpreter(folder, "selected"));
    await serves("selected");
  },
  async "another environment is selected: its server"() {
    settle(folder, interpreter(folder, "other"));
    await serves("other");
  },
};

try {
  await play(steps, host);
} finally {
  rmSync(dir, { recursive: true });
}
