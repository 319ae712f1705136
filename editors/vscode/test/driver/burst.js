// Many edits in a row end with the findings of the last text.
const assert = require("node:assert/strict");
const vscode = require("vscode");
const { check, shown } = require("./cli.js");
const { borrowing } = require("./documents.js");
const { untilShown } = require("./wait.js");

const edits = 1000;

exports.tests = () => ({
  [`${edits} edits`]: borrowing("1_resnet_resume/train.py", async (document) => {
    const key = '                "optimizer": optimizer.state_dict(),\n';
    const before = shown(document);
    const line = document.positionAt(document.getText().indexOf('                "epoch": epoch,')).line;
    for (let i = 0; i < edits; i++) {
      const edit = new vscode.WorkspaceEdit();
      if (i % 2 === 0) {
        edit.insert(document.uri, new vscode.Position(line, 0), key);
      } else if (i % 4 === 1) {
        edit.delete(document.uri, new vscode.Range(line, 0, line + 1, 0));
      } else {
        edit.replace(document.uri, new vscode.Range(line, 0, line + 1, 0), `# ${i}: äöü 🔥\n`); // a line that stays
      }
      assert.ok(await vscode.workspace.applyEdit(edit));
    }
    const last = new vscode.WorkspaceEdit();
    last.insert(document.uri, document.positionAt(document.getText().indexOf('                "epoch": epoch,')), key);
    assert.ok(await vscode.workspace.applyEdit(last));
    const text = document.getText();
    await document.save();
    const wanted = check(document.uri.fsPath);
    assert.notDeepEqual(wanted, before);
    await untilShown(document, wanted);
    assert.equal(document.getText(), text);
  }),
});
