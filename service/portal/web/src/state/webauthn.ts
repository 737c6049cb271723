// Passkeys: between what the portal sends and what the browser wants.

/** Lets the reader make a passkey. `options` as the portal sent them. Undefined if they did not. */
export async function makePasskey(options: { publicKey: unknown }): Promise<unknown> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
    options.publicKey as PublicKeyCredentialCreationOptionsJSON,
  );
  const made = await navigator.credentials.create({ publicKey }).catch(() => null);
  return made instanceof PublicKeyCredential ? made.toJSON() : undefined;
}

/** Lets the reader use a passkey. Undefined if they did not. */
export async function usePasskey(options: { publicKey: unknown }): Promise<unknown> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
    options.publicKey as PublicKeyCredentialRequestOptionsJSON,
  );
  const used = await navigator.credentials.get({ publicKey }).catch(() => null);
  return used instanceof PublicKeyCredential ? used.toJSON() : undefined;
}

export const passkeysWork = (): boolean =>
  typeof PublicKeyCredential !== "undefined" && "parseRequestOptionsFromJSON" in PublicKeyCredential;
