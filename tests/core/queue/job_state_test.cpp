#include "core/queue/job_state.h"

#include <QTest>

#include <set>

using namespace kinora::core;

class JobStateTest : public QObject {
    Q_OBJECT

  private slots:
    // Written out once more, by hand: a row that is lost or added shows.
    void whatMayBecomeOfEachState() {
        using enum JobState;
        const std::set<std::tuple<JobState, JobAction, JobState>> expected{
            {Waiting, JobAction::Start, Running},
            {Waiting, JobAction::Pause, Paused},
            {Waiting, JobAction::Fail, Failed},
            {Waiting, JobAction::Cancel, Cancelled},
            {Running, JobAction::Yield, Waiting},
            {Running, JobAction::Pause, Paused},
            {Running, JobAction::Finish, Finished},
            {Running, JobAction::Fail, Failed},
            {Running, JobAction::SetAside, JobState::SetAside},
            {Running, JobAction::Cancel, Cancelled},
            {Paused, JobAction::Resume, Waiting},
            {Paused, JobAction::Cancel, Cancelled},
            {Failed, JobAction::Retry, Waiting},
            {JobState::SetAside, JobAction::Retry, Waiting},
            {Cancelled, JobAction::Retry, Waiting},
        };
        std::set<std::tuple<JobState, JobAction, JobState>> found;
        for (const JobState state : jobStates())
            for (const JobAction action : jobActions())
                if (const auto next = after(state, action)) found.emplace(state, action, *next);
        QVERIFY(found == expected);
        QCOMPARE(jobTransitions().size(), expected.size()); // no row twice
    }

    void whatIsFinishedStaysSo() {
        for (const JobAction action : jobActions()) QVERIFY(!after(JobState::Finished, action));
    }

    void everyStateCanBeReachedAndEnded() {
        std::set<JobState> reached{JobState::Waiting};
        for (size_t round = 0; round < jobStates().size(); ++round)
            for (const JobTransition& row : jobTransitions())
                if (reached.contains(row.from)) reached.insert(row.to);
        QCOMPARE(reached.size(), jobStates().size());
        for (const JobState state : jobStates()) {
            const bool onward = std::ranges::any_of(
                jobTransitions(), [&](const JobTransition& row) { return row.from == state; });
            QVERIFY(onward || hasEnded(state));
        }
    }

    void namesAreReadBack() {
        std::set<std::string_view> names;
        for (const JobState state : jobStates()) {
            QVERIFY(names.insert(jobStateName(state)).second);
            QVERIFY(jobStateNamed(jobStateName(state)) == state);
        }
        for (const ItemState state : {ItemState::Waiting, ItemState::Publishing, ItemState::Done})
            QVERIFY(itemStateNamed(itemStateName(state)) == state);
        for (const Wish wish : {Wish::None, Wish::Pause, Wish::PauseAfterThis, Wish::Cancel})
            QVERIFY(wishNamed(wishName(wish)) == wish);
        for (const QueuePause pause : {QueuePause::No, QueuePause::Now, QueuePause::AfterThis})
            QVERIFY(queuePauseNamed(queuePauseName(pause)) == pause);
        QVERIFY(!queuePauseNamed("later"));
        QVERIFY(!jobStateNamed("Waiting") && !itemStateNamed("") && !wishNamed("fame"));
    }
};

QTEST_GUILESS_MAIN(JobStateTest)
#include "job_state_test.moc"
