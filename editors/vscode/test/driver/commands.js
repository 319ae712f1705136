// The extension's commands.
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
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
  "show the timeline": borrowing(train, async (document) => {
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand("ckptLsp.showTimeline");
    await until(() => vscode.window.tabGroups.all.flatMap((g) => g.tabs).some((t) => t.label === "Timeline of train.py"), true);
    await vscode.commands.executeCommand("workbench.action.closeEditorsInOtherGroups");
    await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
  }),
  "report a problem": borrowing(train, async (document) => {
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand("ckptLsp.reportProblem");
    const report = vscode.window.activeTextEditor.document;
    assert.equal(report.languageId, "markdown");
    assert.match(report.getText(), /^ckpt-lsp \S/m);
    assert.match(report.getText(), /^  1_resnet_resume\/train\.py: \d+ lines, .*CKP101/m);
    assert.ok(report.getText().includes(`${vscode.env.appName} ${vscode.version}`));
    await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
    await vscode.commands.executeCommand("notifications.clearAll");
  }),
  restart: borrowing(train, async (document) => {
    const before = serverPid();
    await vscode.commands.executeCommand("ckptLsp.restart");
    await until(() => serverPid() !== undefined && serverPid() !== before, true);
    await untilShown(document, check(document.uri.fsPath));
  }),
  "every command of the manifest and the walkthrough exists": async () => {
    const { extensionPath, packageJSON } = vscode.extensions.getExtension("ckpt-lsp.ckpt-lsp");
    const { commands, walkthroughs } = packageJSON.contributes;
    const steps = walkthroughs.flatMap((w) => w.steps);
    const pages = steps.map((s) => fs.readFileSync(path.join(extensionPath, s.media.markdown), "utf8"));
    const texts = [...steps.map((s) => s.description), ...pages].join("\n");
    const linked = [...texts.matchAll(/\(command:([^)?]+)/g)].map(([, name]) => name);
    const awaited = steps.flatMap((s) => s.completionEvents ?? []).map((event) => event.replace(/^onCommand:/, ""));
    assert.ok(linked.length > 0 && awaited.length > 0, "the walkthrough leads nowhere");
    const all = await vscode.commands.getCommands(true);
    assert.deepEqual([...commands.map((c) => c.command), ...linked, ...awaited].filter((c) => !all.includes(c)), []);
  },
});
