// The extension's commands.
const assert = require("node:assert/strict");
const vscode = require("vscode");
const { fixed } = require("./cli.js");
const { borrowing } = require("./documents.js");
const { serverPid } = require("./processes.js");
const { until, untilShown } = require("./wait.js");
const { check } = require("./cli.js");

const train = "1_resnet_resume/train.py";

exports.tests = () => ({
  "fix all": borrowing(train, async (document) => {
    const wanted = fixed(document.getText());
    await untilShown(document, check(document.uri.fsPath));
    await vscode.commands.executeCommand("ckptLsp.fixAll");
    await until(() => document.getText(), wanted);
  }),
  "show the contract": borrowing(train, async () => {
    await vscode.commands.executeCommand("ckptLsp.showContract");
    await until(() => vscode.window.tabGroups.all.flatMap((g) => g.tabs).some((t) => /contract/i.test(t.label)), true);
    await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
  }),
  restart: borrowing(train, async (document) => {
    const before = serverPid();
    await vscode.commands.executeCommand("ckptLsp.restart");
    await until(() => serverPid() !== undefined && serverPid() !== before, true);
    await untilShown(document, check(document.uri.fsPath));
  }),
  "every command of the manifest exists": async () => {
    const { contributes } = vscode.extensions.getExtension("ckpt-lsp.ckpt-lsp").packageJSON;
    const all = await vscode.commands.getCommands(true);
    assert.deepEqual(contributes.commands.map((c) => c.command).filter((c) => !all.includes(c)), []);
  },
});
