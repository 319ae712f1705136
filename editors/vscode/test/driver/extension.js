// Runs the checks one after another and writes what came of them beside the workspace's folder.
const fs = require("node:fs");
const path = require("node:path");
const vscode = require("vscode");

/** How long a check may take before it counts as hanging, in milliseconds. */
const patience = 90_000;

// Settings come before actions: the first setting that is written wakes VS Code's JSON extension, and a save at that time may go without
// its code actions, most likely since that extension registers its own.
const groups = ["findings", "settings", "actions", "rewrites", "features", "commands", "notebook", "burst", "crash"];

exports.activate = () => void run();

async function run() {
  const checks = [];
  for (const group of groups) {
    const { tests } = require(`./${group}.js`);
    for (const [name, test] of Object.entries(tests())) {
      const began = Date.now();
      let failure;
      try {
        await limited(test());
      } catch (error) {
        failure = String(error?.stack ?? error);
      }
      checks.push({ name: `${group}: ${name}`, failure, took: Date.now() - began });
    }
  }
  const file = path.join(vscode.workspace.workspaceFolders[0].uri.fsPath, "..", process.env.CKPT_DRIVER_RESULT);
  fs.writeFileSync(`${file}.new`, JSON.stringify({ checks }));
  fs.renameSync(`${file}.new`, file); // whoever waits for it finds it whole
}

function limited(work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it hangs: nothing after ${patience / 1000} s`)), patience);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
