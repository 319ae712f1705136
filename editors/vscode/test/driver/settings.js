// Settings take effect while the server runs.
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const vscode = require("vscode");
const { checkAll } = require("./cli.js");
const { open } = require("./documents.js");
const { until, untilShown } = require("./wait.js");

const train = "1_resnet_resume/train.py";

/** Sees the findings with a setting, and the former ones after it is gone. */
const changing = (name, value, wanted) => async () => {
  const document = await open(train);
  const before = checkAll().get(train);
  const section = vscode.workspace.getConfiguration("ckpt-lsp");
  await untilShown(document, before);
  await section.update(name, value, vscode.ConfigurationTarget.Workspace);
  try {
    assert.notDeepEqual(wanted(before), before, "the setting would change nothing");
    await untilShown(document, wanted(before));
  } finally {
    await section.update(name, undefined, vscode.ConfigurationTarget.Workspace);
  }
  await untilShown(document, before);
};

/** Sees that VS Code completes the names of rules in the workspace's settings, where the value of a setting has a |. */
const completing = (name, value) => async () => {
  const file = path.join(vscode.workspace.workspaceFolders[0].uri.fsPath, ".vscode", "settings.json");
  const before = fs.existsSync(file) ? fs.readFileSync(file) : undefined;
  const text = `{ "ckpt-lsp.${name}": ${value} }`;
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text.replace("|", ""));
  try {
    const document = await vscode.workspace.openTextDocument(file);
    await vscode.window.showTextDocument(document);
    const offered = async () => {
      const list = await vscode.commands.executeCommand("vscode.executeCompletionItemProvider", document.uri, document.positionAt(text.indexOf("|")));
      return list.items.map(({ label }) => (label.label ?? label).replaceAll('"', ""));
    };
    for (const rule of ["missing-optimizer-state", "CKP101", "CKP1"]) {
      await until(async () => (await offered()).includes(rule), true);
    }
    await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
  } finally {
    before === undefined ? fs.rmSync(file) : fs.writeFileSync(file, before);
  }
  await until(() => vscode.workspace.getConfiguration("ckpt-lsp").inspect(name).workspaceValue, undefined);
};

exports.tests = () => ({
  ignore: changing("ignore", ["CKP101"], () => checkAll(["--ignore", "CKP101"]).get(train)),
  select: changing("select", ["CKP101"], () => checkAll(["--select", "CKP101"]).get(train)),
  extendSelect: changing("extendSelect", ["CKP116", "CKP213", "CKP412"], () => checkAll(["--extend-select", "CKP116,CKP213,CKP412"]).get(train)),
  severity: changing("severity", { CKP101: "error" }, (before) => before.map((line) => line.replace("warning CKP101", "error CKP101")).sort()),
  enable: changing("enable", false, () => []),
  "names of rules in select": completing("select", '["|"]'),
  "names of rules in ignore": completing("ignore", '["|"]'),
  "names of rules in severity": completing("severity", '{ "|": "" }'),
});
