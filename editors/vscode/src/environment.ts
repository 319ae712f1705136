import * as path from "node:path";
import * as vscode from "vscode";

/** How long the Python extension may take to tell the selected environment, in milliseconds. */
const patience = 10_000;

/** The part of the Python extension's interface that is used here. */
interface PythonExtension {
  readonly environments: {
    getActiveEnvironmentPath(resource?: vscode.Uri): unknown;
    resolveEnvironment(environment: unknown): Promise<
      | { readonly environment?: { readonly folderUri?: vscode.Uri }; readonly executable: { readonly uri?: vscode.Uri; readonly sysPrefix?: string } }
      | undefined
    >;
    readonly onDidChangeActiveEnvironmentPath: vscode.Event<unknown>;
  };
}

/** The selected Python environment. */
export interface Environment {
  readonly folder: string;
  readonly interpreter: string;
}

/** The selected Python environment; undefined when the Python extension is not there or knows none. */
export async function selected(log: vscode.LogOutputChannel): Promise<Environment | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      log.warn("The Python extension did not tell the selected environment in time.");
      resolve(undefined);
    }, patience);
  });
  const asked = ask().catch((error: unknown) => {
    log.warn(`The Python extension did not tell the selected environment: ${String(error)}`);
    return undefined;
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Calls back when another environment is selected, once the Python extension is there. */
export async function onSelection(listener: () => void): Promise<vscode.Disposable | undefined> {
  return (await python())?.environments.onDidChangeActiveEnvironmentPath(listener);
}

async function ask(): Promise<Environment | undefined> {
  const environments = (await python())?.environments;
  const resource = vscode.workspace.workspaceFolders?.[0]?.uri;
  const found = await environments?.resolveEnvironment(environments.getActiveEnvironmentPath(resource));
  const interpreter = found?.executable.uri?.fsPath;
  if (interpreter === undefined) {
    return undefined;
  }
  const folder = found?.environment?.folderUri?.fsPath ?? found?.executable.sysPrefix ?? path.dirname(path.dirname(interpreter));
  return { folder, interpreter };
}

async function python(): Promise<PythonExtension | undefined> {
  const extension = vscode.extensions.getExtension<PythonExtension | undefined>("ms-python.python");
  return extension && (extension.isActive ? extension.exports : await extension.activate());
}
