// Options and jobs that mean nothing to a verb are refused, not passed over.
#include "app/cli/queue_verbs.h"
#include "kernels/base/error.h"

#include <QTest>

#include <algorithm>

using namespace kinora;
using namespace kinora::app;

namespace {

// Empty where it is accepted.
std::string complaintOf(const QString& line) {
    std::vector<std::string> words{"queue"};
    for (const QString& word : line.split(u' ')) words.push_back(word.toStdString());
    const Arguments arguments = parseArguments(words);
    try {
        checkQueueVerb(arguments);
    } catch (const Error& error) {
        return error.code() == ErrorCode::InvalidArgument ? error.message() : "of another kind";
    }
    return {};
}

} // namespace

class QueueVerbsTest : public QObject {
    Q_OBJECT

  private slots:
    void whatAVerbDoesNotTakeIsRefusedByName_data() {
        QTest::addColumn<QString>("said");
        const auto row = [](const char* line, const char* said) {
            QTest::newRow(line) << QString::fromLatin1(said);
        };
        row("list --priority 3", "list takes no --priority.");
        row("list --state all --after 2", "list takes no --after.");
        row("list --prompt foo", "list takes no --prompt.");
        row("list --wait", "list takes no --wait.");
        row("list 77", "list takes no '77'.");
        row("show 1 --seed 3", "show takes no --seed.");
        row("add --prompt a --before 3", "add takes no --before.");
        row("add --prompt a --limit 3", "add takes no --limit.");
        row("add --prompt a --state failed", "add takes no --state.");
        row("edit 1 --after 2", "edit takes no --after.");
        row("edit 1 --paused", "edit takes no --paused.");
        row("edit 2", "edit is told nothing to change.");
        row("edit 2 --json", "edit is told nothing to change.");
        row("edit --steps 2", "edit needs one job.");
        row("move 1 2", "move needs one job.");
        row("move 1 --project p", "move takes no --project.");
        row("pause --state failed", "pause takes no --state.");
        row("resume --after-this", "resume takes no --after-this.");
        row("cancel 6 --steps 3", "cancel takes no --steps.");
        row("cancel", "cancel needs a job.");
        row("cancel six", "'six' is no job.");
        row("retry --state failed", "retry takes no --state.");
        row("clear 3", "clear takes no '3'.");
        row("clear --project p", "clear takes no --project.");
        row("run 99", "run takes no '99'.");
        row("run --precision f32", "run takes no --precision.");
    }
    void whatAVerbDoesNotTakeIsRefusedByName() {
        QFETCH(QString, said);
        const std::string complaint = complaintOf(QString::fromLatin1(QTest::currentDataTag()));
        QVERIFY2(complaint.ends_with(said.toStdString()), complaint.c_str());
    }

    void whatAVerbTakesIsAccepted() {
        for (const char* line :
             {"list --project p --state all --text fox --limit 3 --skip 1 --json", "show 1",
              "add --prompt a --after 1 --after 2 --paused --project p --priority 3 --output a.png",
              "edit 1 --steps 3 --overwrite", "edit 1 --priority 2", "move 1 --before 2", "move 1",
              "move 1 --priority 3", "pause", "pause 1 2 --after-this", "resume 3", "cancel 1 2",
              "retry", "retry 1", "clear --state failed",
              "run --wait --pause-on-battery --pause-when-hot --workers 2 --threads 3 --quiet"})
            QCOMPARE(complaintOf(QString::fromLatin1(line)), std::string());
    }

    // One that no verb named would be passed over by those that take a picture's options.
    void everyOptionOfTheQueuesOwnBelongsToAVerb() {
        const CommandSpec& image = *findCommand("image");
        for (const OptionSpec& option : findCommand("queue")->options) {
            if (findOption(&image, option.name)) continue;
            const bool taken = std::ranges::any_of(queueVerbs(), [&](const QueueVerb& verb) {
                return std::ranges::find(verb.options, option.name) != verb.options.end();
            });
            QVERIFY2(taken, option.name.c_str());
        }
    }
};

QTEST_GUILESS_MAIN(QueueVerbsTest)
#include "queue_verbs_test.moc"
