"""Sets up a company to test with; run once for each chart of accounts, in Odoo's own shell (which gives ``env``)."""

from __future__ import annotations

import inspect
import os
from typing import Any

RATES = {"EUR": 1.0, "USD": 1.1, "GBP": 0.85, "NOK": 11.5, "SEK": 11.25, "DKK": 7.46}
LANGUAGES = ("fr_FR", "sv_SE", "nb_NO", "da_DK", "de_DE")
GROUPS = ("base.group_user", "account.group_account_invoice", "base.group_partner_manager")

env = globals()["env"]
chart = os.environ["ODOO_CHART"]
company = env.company
# Copies of the database are then whole.
env["ir.config_parameter"].set_param("ir_attachment.location", "db")

# Company and chart of accounts. Before 17 the country's module loads its chart itself.
old = "chart_template" not in company._fields
code = "FR" if chart == "generic_coa" else chart.split("_")[0].upper()
country = env["res.country"].search([("code", "=", code)])
if old or chart == company.chart_template:
    company.country_id = country
else:
    charts = env["account.chart.template"]._get_chart_template_mapping()
    if chart not in charts:
        raise SystemExit(f"no chart of accounts {chart!r}; there are: {' '.join(sorted(charts))}")
    company.country_id = country or charts[chart].get("country_id")
    env["account.chart.template"].try_loading(chart, company=company, install_demo=False)
    env.transaction.reset()
    env = env()
    company = env["res.company"].browse(company.id)
if chart == "generic_coa" and not old:
    # That chart belongs to no country, but calls its taxes American.
    env.flush_all()
    for table in ("account_tax", "account_tax_group"):
        env.cr.execute(f"update {table} set country_id = %s where company_id = %s", [country.id, company.id])
    env.invalidate_all()
    company.account_fiscal_country_id = country

# Currencies, with one rate each: units of the currency for one euro.
currencies = env["res.currency"].with_context(active_test=False)
euro = currencies.search([("name", "=", "EUR")])
euro.active = True
company.write({"name": "Syncd Test Company", "currency_id": euro.id, "email": "company@example.com"})
env["res.currency.rate"].search([]).unlink()
for name, rate in RATES.items():
    currency = currencies.search([("name", "=", name)])
    currency.active = True
    if currency != euro:
        env["res.currency.rate"].create(
            {"currency_id": currency.id, "company_id": company.id, "name": "2020-01-01", "rate": rate}
        )

# One plain percent sale tax per rate that invoices carry, made like the chart's own sale tax.
plain = [("company_id", "=", company.id), ("type_tax_use", "=", "sale"), ("amount_type", "=", "percent")]
model = company.account_sale_tax_id or env["account.tax"].search([*plain, ("amount", ">", 0)], limit=1)
label = "invoice_label" if "invoice_label" in model._fields else "description"
for percent in (25, 20, 19, 15, 12, 6, 0):
    group = model.tax_group_id.copy({"name": f"Sync VAT {percent}%"})
    group.name = f"Sync VAT {percent}%"
    values = {"name": f"Sync {percent}%", "amount": percent, label: f"{percent}%", "active": True}
    tax = model.copy({**values, "tax_group_id": group.id})
    # Old versions put "(Copy)" behind it.
    tax.name = values["name"]

for language in LANGUAGES:
    env["res.lang"]._activate_lang(language)

# Users and keys.
admin = env.ref("base.user_admin")
groups = "group_ids" if "group_ids" in admin._fields else "groups_id"
admin.write({"email": "admin@example.com", groups: [(4, env.ref("account.group_account_manager").id)]})
sync = (
    env["res.users"]
    .with_context(no_reset_password=True)
    .create(
        {
            "name": "Sync Bot",
            "login": "sync",
            "email": "sync@example.com",
            groups: [(6, 0, [env.ref(group).id for group in GROUPS])],
        }
    )
)


def key(user: Any) -> Any:
    """Make a key for a user; how that is called differs between versions."""
    keys = env(user=user.id)["res.users.apikeys"].sudo()
    return keys._generate(*["rpc", "test", None][: len(inspect.signature(keys._generate).parameters)])


lines = {
    "ODOO_LOGIN": admin.login,
    "ODOO_PASSWORD": "admin",
    "ODOO_API_KEY": key(admin),
    "ODOO_SYNC_LOGIN": sync.login,
    "ODOO_SYNC_API_KEY": key(sync),
}
env.cr.commit()
for name, text in lines.items():
    print(f"KEYLINE {name}={text}")
