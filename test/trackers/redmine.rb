# What people do with Redmine, by its own models, and what its own REST API shows them.  After each act it says as a
# line of JSON what that is, and goes on when it is sent a line.
require 'json'

def shown_to(user)
  session = ActionDispatch::Integration::Session.new(Rails.application)
  session.host! 'localhost'
  get = lambda do |path|
    session.get path, headers: { 'X-Redmine-API-Key' => user.api_key }
    session.response.status == 200 ? JSON.parse(session.response.body) : {}
  end
  issues = (get.call('/issues.json?status_id=*&limit=100')['issues'] || []).map { |one| one['id'] }
  notes = issues.flat_map { |id| get.call("/issues/#{id}.json?include=journals").dig('issue', 'journals') || [] }
  { project: (get.call('/projects.json?limit=100')['projects'] || []).map { |one| one['id'] },
    bug_report: issues, comment: notes.reject { |one| one['notes'].blank? }.map { |one| one['id'] } }
end

def tell(act)
  $stdout.puts({ act: act, shown: $people.to_h { |one| [one.id, shown_to(one)] } }.to_json)
  $stdout.flush
  exit if $stdin.gets.nil?
end

def user(name, admin = false)
  one = User.new(firstname: name, lastname: 'Doe', mail: "#{name}@example.org", language: 'en')
  one.login, one.admin, one.password, one.password_confirmation = name, admin, 'secret-secret', 'secret-secret'
  one.save!
  one
end

def project(name, is_public)
  Project.create!(name: name, identifier: name, is_public: is_public, tracker_ids: Tracker.ids, enabled_module_names: %w[issue_tracking time_tracking])
end

def issue(project, author, more = {})
  one = Issue.new({ project: project, tracker: Tracker.first, subject: "of #{author.login}", priority: IssuePriority.first }.merge(more))
  one.author = author
  one.save!
  one
end

def change(issue, by, notes = nil, more = {})
  issue.reload
  issue.init_journal(by, notes || '')
  issue.private_notes = more.delete(:private_notes) || false
  issue.attributes = more
  issue.save!
end

Redmine::DefaultData::Loader.load('en') if Redmine::DefaultData::Loader.no_data?
Setting.rest_api_enabled = '1'
Setting.notified_events = []
boss, member, stranger = user('boss', true), user('member'), user('stranger')
$people = [boss, member, stranger]
User.current = boss
role = Role.givable.first
open, closed = project('open', true), project('closed', false)
Member.create!(project: closed, user: member, roles: [role])
first = issue(open, member)
second = issue(closed, boss)
tell 'what was there before'

third = issue(closed, member, description: 'a description')
change(first, boss, 'a note')
change(second, member, 'seen by members')
change(second, boss, 'seen by few', private_notes: true)
tell 'issues and notes'

change(first, boss, nil, status: IssueStatus.where(is_closed: true).first, priority: IssuePriority.last)
change(second, boss, 'yours', assigned_to: member)
change(third, boss, 'moves', project: open)
tell 'a status, an assignee, a move'

secret = issue(open, boss, is_private: true)
change(secret, boss, 'hush')
change(first, boss, nil, is_private: true)
tell 'private ones'

change(first, boss, nil, is_private: false)
first.journals.where.not(notes: '').first.update!(notes: 'another text')
IssueRelation.create!(issue_from: first, issue_to: third, relation_type: 'relates')
third.reload.destroy
tell 'an edited note, a relation, an issue that is deleted'

open.update!(is_public: false, name: 'not open any more')
tell 'a project that is not public any more'

group = Group.create!(lastname: 'helpers')
group.users << stranger
Member.create!(project: closed, principal: group, roles: [role])
tell 'a group that becomes a member'

group.users.delete(stranger)
member.memberships.destroy_all
tell 'people who leave'

open.update!(is_public: true)
IssueStatus.first.update!(name: 'Renamed')
stranger.update!(firstname: 'Stranger')
Member.create!(project: closed, user: stranger, roles: [role])
tell 'a status with another name, a member'

closed.reload.destroy
tell 'a project that is deleted, with all that was in it'

User.find(member.id).destroy
$people.delete(member)
tell 'a user who is deleted'
