from tests.flows.desk import *
HOSTILE = ("Émilie 🎈 مرحبا ‮<!channel> \"quoted\"; 'x' <@U1> " * 12)[:500]
def extra(flight, **changes):
    return planned()[0] | {"flight_id": flight, "campaign_id": f"9{flight}", "campaign_name": f"Extra {flight}"} | changes
def test_try(fresh_database, warehouse, tmp_path):
    d=Desk(fresh_database, warehouse, tmp_path)
    rows=planned()
    rows[0]["budget"]="£3,000.00"; rows[4]["budget"]="3 000,00"; rows[3]["budget"]="EUR 3,000"
    rows[1]["budget"]="-3000"
    rows += [extra("end_before_start", start_date="2026-11-18", end_date="2026-10-20"), extra("zero", budget="0"), extra("separator", budget="1.234"),
      extra("dollar", budget="$ 3000"),
      extra("date", start_date="03/04/2026"), extra("platform", platform="tiktokk"), extra("noplatform", platform=""), extra("zone", timezone="Mars/Olympus"), extra("exp", campaign_id="1.2E+17"),
      extra("long", campaign_id="12345678901234500"),
      extra("over1", campaign_id="707"), extra("over2", campaign_id="707"), extra("zeros", campaign_id="12"), extra("hostile", campaign_name=HOSTILE), extra("cur", currency="POUND"), extra("nan", budget="NaN"), extra("blank", budget="")]
    d.plan(rows)
    s=spent()
    z=s[s.campaign_id==_id("G1")].assign(campaign_id="0012", campaign_name="Extra zeros")
    o=s[s.campaign_id==_id("G1")].assign(campaign_id="707", campaign_name="Extra over")
    h=s[s.campaign_id==_id("G1")].assign(campaign_id="9hostile", campaign_name=HOSTILE[:480])
    d.load(pd.concat([s,z,o,h]), loaded())
    r=d.run()
    for k,v in r.lanes.items(): print(k,v, r.decisions.loc[k,'problem'], r.decisions.loc[k,'reasons'], r.decisions.loc[k,'root_cause'])
    for q in r.quarantined(): print(q['row'],q['about'],q['column'],q['value'],q['reason'])
    for f,i in r.incidents.items(): print(f, '|', i.finding.headline, i.finding.facts.get('campaigns'))
    print(r.summary)
from tests.flows.desk import _id
def test_spend(fresh_database, warehouse, tmp_path):
    d=Desk(fresh_database, warehouse, tmp_path)
    d.plan(planned())
    s=spent()
    d.load(s, loaded())
    day="2026-11-03"
    d.sql("CREATE OR REPLACE TABLE CAMPAIGN_SPEND AS SELECT * EXCLUDE (SPEND), CAST(SPEND AS FLOAT) AS SPEND FROM CAMPAIGN_SPEND",
     f"INSERT INTO CAMPAIGN_SPEND SELECT * FROM CAMPAIGN_SPEND WHERE CAMPAIGN_ID='{_id('G2')}' AND DAY='{day}'",
     f"UPDATE CAMPAIGN_SPEND SET SPEND='NaN'::FLOAT WHERE CAMPAIGN_ID='{_id('M1')}' AND DAY='{day}'",
     f"UPDATE CAMPAIGN_SPEND SET SPEND=-40 WHERE CAMPAIGN_ID='{_id('G1')}' AND DAY='{day}'",
     f"UPDATE CAMPAIGN_SPEND SET CURRENCY='USD' WHERE CAMPAIGN_ID='{_id('M2')}' AND DAY='{day}'")
    r=d.run()
    for k,v in r.lanes.items(): print(k,v, r.decisions.loc[k,'problem'], r.decisions.loc[k,'reasons'], r.decisions.loc[k,'root_cause'])
    for q in r.quarantined(): print(q)
    for f,i in r.incidents.items(): print(f, '|', i.finding.headline)
    print(r.summary)
