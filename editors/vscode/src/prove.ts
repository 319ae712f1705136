import * as path from "node:path";
import * as vscode from "vscode";
import { ServerCommands } from "./commands";
import { selected } from "./environment";

/** The command line that the server hands out. */
interface CommandLine {
  readonly argv: readonly string[];
  readonly cwd: string;
}

/**
 * Runs the script of the active editor under ckpt-lsp prove, in a terminal. A task with a process takes the arguments one by one, so
 * that no shell has to be quoted for.
 */
export async function prove(server: string | undefined, log: vscode.LogOutputChannel): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  if (document?.uri.scheme !== "file" || document.languageId !== "python") {
    throw new Error("open the training script that is to be proven first");
  }
  if (server === undefined) {
    throw new Error("the server does not run");
  }
  await document.save();
  const answer = await vscode.commands.executeCommand<CommandLine>(ServerCommands.prove, document.uri.toString());
  const [program, ...args] = inEnvironment(answer.argv, server, (await selected(log))?.interpreter);
  if (program === undefined) {
    throw new Error("the server named no command to run");
  }
  const task = new vscode.Task(
    { type: "ckpt-lsp", script: document.uri.fsPath },
    vscode.workspace.getWorkspaceFolder(document.uri) ?? vscode.TaskScope.Workspace,
    `prove ${path.basename(document.uri.fsPath)}`,
    "ckpt-lsp",
    new vscode.ProcessExecution(program, args, { cwd: answer.cwd }),
  );
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, panel: vscode.TaskPanelKind.Dedicated, clear: true };
  await vscode.tasks.executeTask(task);
}

/** The command line with the server that runs, and with the selected interpreter where it names none in particular. */
function inEnvironment(argv: readonly string[], server: string, interpreter: string | undefined): string[] {
  const script = argv.indexOf("--");
  return argv.map((arg, i) => {
    if (i === 0) {
      return server;
    }
    return i === script + 1 && /^python3?$/.test(arg) && interpreter !== undefined ? interpreter : arg;
  });
}
