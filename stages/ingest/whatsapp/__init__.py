"""WhatsApp: exports as text or ZIP, of any phone, language and calendar."""
