// Rewrites are offered on a call of which nothing is reported, and each cures what a rule would report there.
const assert = require("node:assert/strict");
const vscode = require("vscode");
const { make } = require("./actions.js");
const { check, shown } = require("./cli.js");
const { borrowing, positionOf, replace } = require("./documents.js");
const { until, untilShown } = require("./wait.js");

const silence = "# ckpt-lsp: ignore-file\n";
const kind = vscode.CodeActionKind.RefactorRewrite.value;

/** The rewrites at a text of a document that can be made; VS Code does not tell a driver of the others. */
function rewrites(document, text) {
  const at = positionOf(document, text);
  return vscode.commands.executeCommand("vscode.executeCodeActionProvider", document.uri, new vscode.Range(at, at), kind, 50);
}

/** Rewrites a call of a file whose findings are silenced, and sees that a rule's finding is gone with it. */
const rewriting = ({ file, at, title, others = [], cures, text }) =>
  borrowing(file, async (document) => {
    const before = document.getText();
    const codes = () => check(document.uri.fsPath).map((line) => line.split(" ").at(-1));
    assert.ok(codes().includes(cures), `${cures} is not reported`);
    await replace(document, silence + before);
    await until(() => shown(document), []);
    const actions = await rewrites(document, at);
    assert.deepEqual(actions.map((a) => a.title), [title, ...others]);
    assert.deepEqual(actions.map((a) => a.kind.value), [title, ...others].map(() => kind));
    await make(actions, title);
    if (text !== undefined) {
      assert.equal(document.getText(), silence + text(before));
    }
    await replace(document, document.getText().replace(silence, ""));
    await document.save();
    assert.ok(!codes().includes(cures), `${cures} is reported still`);
    await untilShown(document, check(document.uri.fsPath));
  });

exports.tests = () => ({
  "save on rank 0": rewriting({
    file: "3_ddp_save/train.py",
    at: "torch.save(",
    title: "Save on rank 0, with a barrier (every rank must come by here)",
    cures: "CKP301",
    text: (before) => before.replace(/^( *)(torch\.save\(.*\))$/m, "$1if rank == 0:\n$1    $2\n$1dist.barrier()"),
  }),
  complete: rewriting({
    file: "1_resnet_resume/train.py",
    at: "torch.save(",
    title: "Complete this checkpoint (a resumed run then draws different numbers)",
    others: [
      "Write the format and torch version (programs that read the file may not expect other keys)",
      "Also save the weights as safetensors (it needs the package safetensors, and a second file)",
    ],
    cures: "CKP105",
  }),
  seed: rewriting({
    file: "2_partial_seed/train.py",
    at: "torch.manual_seed(",
    title: "Seed every generator here",
    cures: "CKP202",
  }),
});
