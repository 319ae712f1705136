// Each kind of code action makes of the text what the command line makes of it.
const assert = require("node:assert/strict");
const vscode = require("vscode");
const { check, fixed, fixesOf, shown } = require("./cli.js");
const { borrowing } = require("./documents.js");
const { until, untilShown } = require("./wait.js");

const train = "1_resnet_resume/train.py";

/** The code actions at the first finding of a code, resolved. */
async function offered(document, code, kind = vscode.CodeActionKind.QuickFix) {
  await untilShown(document, check(document.uri.fsPath));
  const [finding] = vscode.languages.getDiagnostics(document.uri).filter((d) => d.code?.value === code);
  return vscode.commands.executeCommand("vscode.executeCodeActionProvider", document.uri, finding.range, kind.value, 50);
}

/** Applies the action of a title. */
async function make(actions, title) {
  const action = actions.find((a) => a.title === title);
  assert.ok(action, `no action "${title}" among: ${actions.map((a) => a.title).join("; ")}`);
  assert.ok(action.edit, `"${title}" has no edit`);
  assert.ok(await vscode.workspace.applyEdit(action.edit), "VS Code refused the edit");
}

/** The only suppression that ends so, which stands after all fixes. */
function suppression(actions, end) {
  const titles = actions.map((a) => a.title);
  const suppressions = titles.filter((title) => title.startsWith("Suppress "));
  assert.equal(suppressions.length, 2, titles.join("; "));
  assert.deepEqual(titles.slice(-3), [...suppressions, titles.at(-1)]);
  assert.match(titles.at(-1), /^Show documentation of /);
  return suppressions.find((title) => title.endsWith(end));
}

/** The findings after a suppression, and after a save, in the editor and on the disk. */
async function silenced(document, code) {
  await until(() => shown(document).some((line) => line.endsWith(code)), false);
  await document.save();
  await untilShown(document, check(document.uri.fsPath));
}

exports.make = make;

exports.tests = () => ({
  "a quick fix": borrowing(train, async (document) => {
    const [fix] = fixesOf(document.uri.fsPath, document.getText(), "CKP101");
    await make(await offered(document, "CKP101"), fix.title);
    assert.equal(document.getText(), fix.text);
    await document.save();
    await untilShown(document, check(document.uri.fsPath));
  }),
  "suppress on a line": borrowing(train, async (document) => {
    const actions = await offered(document, "CKP101");
    await make(actions, suppression(actions, "on this line"));
    assert.match(document.getText(), /  # ckpt-lsp: ignore\[.*\bmissing-optimizer-state\b.*\]/);
    await silenced(document, "CKP101");
  }),
  "suppress in the file": borrowing(train, async (document) => {
    const actions = await offered(document, "CKP101");
    await make(actions, suppression(actions, "in this file"));
    assert.match(document.getText(), /^# ckpt-lsp: ignore-file\[.*\bmissing-optimizer-state\b.*\]/);
    await silenced(document, "CKP101");
  }),
  "source.fixAll": borrowing(train, async (document) => {
    const wanted = fixed(document.getText());
    assert.notEqual(wanted, document.getText(), "there is nothing to fix");
    const kind = vscode.CodeActionKind.SourceFixAll.append("ckpt-lsp");
    const actions = await offered(document, "CKP101", kind);
    assert.equal(actions.length, 1);
    await make(actions, actions[0].title);
    assert.equal(document.getText(), wanted);
  }),
  "fix all on save": borrowing(train, async (document) => {
    const wanted = fixed(document.getText());
    const editor = vscode.workspace.getConfiguration("editor", { languageId: "python" });
    await editor.update("codeActionsOnSave", { "source.fixAll": "explicit" }, vscode.ConfigurationTarget.Workspace);
    try {
      await vscode.window.showTextDocument(document);
      const space = new vscode.WorkspaceEdit();
      space.insert(document.uri, new vscode.Position(document.lineCount, 0), "# end\n");
      await vscode.workspace.applyEdit(space);
      await until(() => vscode.window.activeTextEditor?.document.uri.toString(), document.uri.toString());
      assert.equal(await document.save(), true);
      await until(() => document.getText(), `${wanted}# end\n`);
    } finally {
      await editor.update("codeActionsOnSave", undefined, vscode.ConfigurationTarget.Workspace);
    }
  }),
});
