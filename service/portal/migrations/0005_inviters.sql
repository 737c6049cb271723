-- Who invited: their open invitations end when they may invite nobody any more. Empty where the portal did.
ALTER TABLE invitations ADD COLUMN inviter TEXT NOT NULL DEFAULT '';
