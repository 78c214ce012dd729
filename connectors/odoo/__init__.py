"""The connector to Odoo, 14 to 19: its invoicing, over its external API."""
