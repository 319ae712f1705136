// A VS Code to test in: code-server on a free port, with the extension and others beside it.
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";

const root = path.resolve(import.meta.dirname, "..");

/** How long a program may take to be there before it counts as hanging, in milliseconds. */
const patience = 60_000;

const quiet = {
  "telemetry.telemetryLevel": "off",
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "extensions.ignoreRecommendations": true,
  "git.enabled": false,
  "files.autoSave": "off",
};

/**
 * Starts VS Code in a folder of its own, that fill fills, and opens its page. Gives the page, the folders, and stop(), which lets
 * it end as it does by itself, the server with it, and removes everything. The folder is trusted, unless trust is to be asked for.
 * Others are folders of test/ with extensions; bundled is a server that comes with the extension.
 */
export async function start({ fill, asksForTrust = false, others = [], bundled, settings = {}, env = {}, viewport = { width: 1280, height: 800 } }) {
  const dir = mkdtempSync(path.join(tmpdir(), "ckpt-vscode-"));
  const [folder, data, extensions] = ["workspace", "data", "extensions"].map((name) => path.join(dir, name));
  mkdirSync(folder);
  fill(folder);
  mkdirSync(path.join(data, "User"), { recursive: true });
  writeFileSync(
    path.join(data, "User", "settings.json"),
    JSON.stringify({ ...quiet, "security.workspace.trust.enabled": asksForTrust, "ckpt-lsp.path": process.env.CKPT_LSP_SERVER, "ckpt-lsp.logLevel": "info", ...settings }),
  );
  for (const name of ["package.json", "dist", "images", "walkthrough"].filter((name) => existsSync(path.join(root, name)))) {
    cpSync(path.join(root, name), path.join(extensions, "ckpt-lsp.ckpt-lsp-0.1.0", name), { recursive: true });
  }
  if (bundled !== undefined) {
    const bin = path.join(extensions, "ckpt-lsp.ckpt-lsp-0.1.0", "bundled", "bin");
    mkdirSync(bin, { recursive: true });
    cpSync(bundled, path.join(bin, "ckpt-lsp"));
  }
  for (const other of others) {
    cpSync(path.join(root, "test", other), path.join(extensions, other), { recursive: true });
  }
  const port = await freePort();
  const log = path.join(dir, "log");
  const out = openSync(log, "w");
  const options = ["--auth", "none", "--bind-addr", `127.0.0.1:${port}`, "--user-data-dir", data, "--extensions-dir", extensions];
  options.push("--config", path.join(dir, "config.yaml"), "--disable-telemetry", "--disable-update-check");
  options.push(...(asksForTrust ? [] : ["--disable-workspace-trust"]));
  const server = spawn(path.join(process.env.CODE_SERVER_DIR, "node_modules/.bin/code-server"), [...options, folder], {
    detached: true, // a process group of its own, to be ended as a whole
    stdio: ["ignore", out, out],
    env: { ...process.env, ...env },
  });
  let browser;
  const stop = async () => {
    await browser?.close();
    if (signal(server.pid, "SIGTERM")) {
      for (const end = Date.now() + patience; signal(-server.pid, 0) && Date.now() < end; ) {
        await sleep(50);
      }
    }
    const hangs = signal(-server.pid, "SIGKILL");
    rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    if (hangs) {
      throw new Error("VS Code did not end when it was asked to");
    }
  };
  try {
    await answers(`http://127.0.0.1:${port}/healthz`);
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM,
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    const page = await browser.newPage({ viewport });
    await page.goto(`http://127.0.0.1:${port}/?folder=${encodeURIComponent(folder)}`);
    return { page, folder, dir, data, stop, log: () => readFileSync(log, "utf8") };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Sends a signal to a process, or to a group of them by a negative number; false when it is not there. */
function signal(pid, name) {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function answers(url) {
  for (const end = Date.now() + patience; ; await sleep(200)) {
    try {
      if ((await fetch(url)).ok) {
        return;
      }
    } catch {
      // it does not listen yet
    }
    if (Date.now() > end) {
      throw new Error(`${url} does not answer`);
    }
  }
}
