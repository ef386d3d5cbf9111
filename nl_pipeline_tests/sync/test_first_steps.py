from nl_pipeline.warehouse import plans
def show(s,r):
    for c in plans.count_changes(s.link.warehouse,plan_id=r.plan.plan_id): print('  ',c.side,c.action,c.rule_id,c.code,c.held_by,c.rows)
    for c in plans.count_listings(s.link.warehouse,plan_id=r.plan.plan_id): print('   list',c.listing,c.rule_id,c.code,c.rows)
def test_unsynced(unsynced):
    import time
    t=time.time(); r=unsynced.set_up(); print('setup',time.time()-t); show(unsynced,r)
    t=time.time(); print(unsynced.link and __import__('nl_pipeline.sync.push',fromlist=['x']).apply_plan(unsynced.link,plan=r.plan,approved=True), time.time()-t)
    for m in ('incremental','full'):
        unsynced.control.forget_calls()
        t=time.time(); q=unsynced.sync(m); print(time.time()-t,q); show(unsynced,q); print(unsynced.writes())
def test_synced(scenario):
    import time
    scenario.control.forget_calls()
    t=time.time(); q=scenario.sync(); print(time.time()-t,q.push); show(scenario,q); print(scenario.writes())
    p=scenario.picture()
    for m in p.members.values(): print(m['email_address'],m['status'],m['tags'])
