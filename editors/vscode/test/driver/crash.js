// A killed server comes back, with the findings of a text that was never saved.
const assert = require("node:assert/strict");
const vscode = require("vscode");
const { check } = require("./cli.js");
const { borrowing } = require("./documents.js");
const { serverPid } = require("./processes.js");
const { until, untilShown } = require("./wait.js");

exports.tests = () => ({
  "SIGKILL": borrowing("1_resnet_resume/train.py", async (document) => {
    const moved = check(document.uri.fsPath).map((line) => line.replace(/(\d+)(:\d+-)(\d+)/, (_, a, b, c) => `${Number(a) + 1}${b}${Number(c) + 1}`)).sort();
    const edit = new vscode.WorkspaceEdit();
    edit.insert(document.uri, new vscode.Position(0, 0), "# not saved\n");
    await vscode.workspace.applyEdit(edit);
    await untilShown(document, moved);
    const text = document.getText();
    const killed = serverPid();
    assert.ok(killed, "no server runs");
    process.kill(killed, "SIGKILL");
    await until(() => serverPid() !== undefined && serverPid() !== killed, true);
    await untilShown(document, moved);
    assert.equal(document.getText(), text);
    assert.ok(document.isDirty);
    const more = new vscode.WorkspaceEdit(); // the new server follows edits, too
    more.delete(document.uri, new vscode.Range(0, 0, 1, 0));
    await vscode.workspace.applyEdit(more);
    await untilShown(document, check(document.uri.fsPath));
  }),
});
