// Each picture once, wherever the process stops between the steps.
#include "core/media/image_file.h"
#include "core/media/sha256.h"
#include "core/queue/publisher.h"
#include "core/queue/queue_store.h"
#include "kernels/base/atomic_file.h"
#include "tests/core/queue/queue_samples.h"
#include "tests/core/queue/scripted_engine.h"

#include <fstream>

using namespace kinora;
using namespace kinora::core;
using namespace kinora::core::testing;

namespace {

namespace fs = std::filesystem;

std::vector<std::string> filesIn(const fs::path& folder) {
    std::vector<std::string> names;
    if (fs::exists(folder))
        for (const auto& entry : fs::directory_iterator(folder))
            names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
}

std::string contentOf(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void writeTo(const fs::path& path, const std::string& bytes) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
}

PictureEvent madeBy(int64_t seed) {
    Provenance provenance;
    provenance.request.seed = seed;
    provenance.engineVersion = "kinora test";
    return {0, pictureOf(seed), provenance};
}

// A queue with one job that was given out.
struct Given : QueueSample {
    QueueStore store = open();
    QueueLedger ledger{store.database()};
    Publisher publisher{ledger};
    Ticket ticket;

    explicit Given(Overwrite overwrite = Overwrite::No, int64_t count = 1) {
        NewJob job = this->job("fox", count);
        job.output.overwrite = overwrite;
        ticket = *ledger.take(add(store, job));
    }
    fs::path path() const { return pictures() / "fox-0.png"; }
    QueueItem item() { return store.items(ticket.job.id)->front(); }
    // The job as a process leaves it that was killed: steps 1, 2 and perhaps 3 done.
    Intent left(const std::string& bytes) {
        Intent intent;
        ledger.item(ticket.job.id, 0, intent);
        intent.temporary = pictures() / (".kinora-" + ledger.queueName() + "-1-0.tmp");
        Sha256 hash;
        hash.add(std::as_bytes(std::span(bytes)));
        intent.fileHash = hash.digits();
        intent.pixelHash = "sha256:" + std::string(64, 'a');
        if (!ledger.intend(intent, ticket.epoch)) throw std::runtime_error("refused");
        return intent;
    }
};

} // namespace

class PublisherTest : public QObject {
    Q_OBJECT

  private slots:
    void aPictureGetsItsNameAndItsHash() {
        Given given;
        const auto published = given.publisher.publish(given.ticket, 0, madeBy(7));
        QVERIFY(published.has_value());
        QVERIFY(published->path == given.path());
        QCOMPARE(published->pixelHash, pixelHash(pictureOf(7)));
        const auto image = loadImage(given.path());
        QVERIFY(image.ok());
        QCOMPARE(pixelHash(*image), published->pixelHash);
        QCOMPARE(filesIn(given.pictures()), std::vector<std::string>{"fox-0.png"});
        QCOMPARE(given.item().state, ItemState::Done);
        QCOMPARE(given.item().pixelHash, published->pixelHash);
        QCOMPARE(given.store.find(1)->picturesDone, int64_t{1});
    }

    void theSamePictureAgainIsRefused() {
        Given given;
        QVERIFY(given.publisher.publish(given.ticket, 0, madeBy(7)).has_value());
        const std::string before = contentOf(given.path());
        QVERIFY(!given.publisher.publish(given.ticket, 0, madeBy(8)));
        QVERIFY(contentOf(given.path()) == before);
        QCOMPARE(filesIn(given.pictures()).size(), size_t{1});
        QCOMPARE(given.store.find(1)->picturesDone, int64_t{1});
    }

    void aCompletionWithAnOldEpochIsRefused() {
        Given given;
        const Ticket old = given.ticket;
        QVERIFY(given.ledger.end(1, old.epoch, {.action = JobAction::Yield}));
        const Ticket now = *given.ledger.take(1);
        QVERIFY(now.epoch > old.epoch);
        QVERIFY(!given.publisher.publish(old, 0, madeBy(7)));
        QVERIFY(filesIn(given.pictures()).empty());
        QVERIFY(!given.ledger.end(1, old.epoch, {.action = JobAction::Finish}));
        QCOMPARE(stateOf(given.store, 1), JobState::Running);
        QVERIFY(given.publisher.publish(now, 0, madeBy(7)).has_value());
    }

    void aUsersFileIsNeverReplaced() {
        Given given;
        writeTo(given.path(), "mine");
        writeTo(given.pictures() / "fox-0-2.png", "mine too");
        const auto published = given.publisher.publish(given.ticket, 0, madeBy(7));
        QVERIFY(published->path == given.pictures() / "fox-0-3.png");
        QCOMPARE(contentOf(given.path()), std::string("mine"));
        QCOMPARE(contentOf(given.pictures() / "fox-0-2.png"), std::string("mine too"));
        QVERIFY(given.item().path == published->path);
    }

    void whereItMayItReplaces() {
        Given given(Overwrite::Yes);
        writeTo(given.path(), "old");
        const auto published = given.publisher.publish(given.ticket, 0, madeBy(7));
        QVERIFY(published->path == given.path());
        QVERIFY(loadImage(given.path()).ok());
        QCOMPARE(filesIn(given.pictures()).size(), size_t{1});
    }

    void aFolderThatCannotBeWrittenToIsTheJobsTrouble() {
        Given given;
        writeTo(given.pictures(), "a file where the folder should be");
        QVERIFY_THROWS_EXCEPTION(Error, given.publisher.publish(given.ticket, 0, madeBy(7)));
        QCOMPARE(given.item().state, ItemState::Waiting);
    }

    // Killed after step 2: the file is there, beside its name.
    void settlesWhatWasNotRenamedYet() {
        Given given;
        const Intent intent = given.left("picture");
        writeTo(intent.temporary, "picture");
        given.publisher.settle();
        QCOMPARE(given.item().state, ItemState::Done);
        QCOMPARE(contentOf(given.path()), std::string("picture"));
        QCOMPARE(filesIn(given.pictures()).size(), size_t{1});
    }

    // Killed after step 3.
    void settlesWhatWasRenamedAlready() {
        Given given;
        given.left("picture");
        writeTo(given.path(), "picture");
        given.publisher.settle();
        QCOMPARE(given.item().state, ItemState::Done);
        QCOMPARE(filesIn(given.pictures()), std::vector<std::string>{"fox-0.png"});
        QCOMPARE(given.store.find(1)->picturesDone, int64_t{1});
        given.publisher.settle(); // and once only
        QCOMPARE(given.store.find(1)->picturesDone, int64_t{1});
    }

    // Where a link made the name, both may be there.
    void settlesALinkThatWasLeft() {
        Given given;
        const Intent intent = given.left("picture");
        writeTo(given.path(), "picture");
        writeTo(intent.temporary, "picture");
        given.publisher.settle();
        QCOMPARE(given.item().state, ItemState::Done);
        QCOMPARE(filesIn(given.pictures()), std::vector<std::string>{"fox-0.png"});
    }

    // The name is somebody else's by now, and what was beside it is there, or went.
    void settlesWhereTheNameWasTaken() {
        Given given;
        const Intent intent = given.left("picture");
        writeTo(given.path(), "mine");
        writeTo(intent.temporary, "picture");
        given.publisher.settle();
        QCOMPARE(contentOf(given.path()), std::string("mine"));
        QCOMPARE(contentOf(given.pictures() / "fox-0-2.png"), std::string("picture"));
        QVERIFY(given.item().path == given.pictures() / "fox-0-2.png");
        QCOMPARE(filesIn(given.pictures()).size(), size_t{2});
    }

    void settlesWhereNothingIsLeft_data() {
        QTest::addColumn<QByteArray>("beside");
        QTest::newRow("nothing") << QByteArray();
        QTest::newRow("half of it") << QByteArray("pict");
    }
    void settlesWhereNothingIsLeft() {
        QFETCH(QByteArray, beside);
        Given given;
        const Intent intent = given.left("picture");
        writeTo(given.path(), "mine");
        if (!beside.isEmpty()) writeTo(intent.temporary, beside.toStdString());
        given.publisher.settle();
        given.publisher.sweep(1);
        QCOMPARE(given.item().state, ItemState::Waiting);
        QCOMPARE(contentOf(given.path()), std::string("mine"));
        QCOMPARE(filesIn(given.pictures()), std::vector<std::string>{"fox-0.png"});
    }

    // A disk that cannot be read for a moment: the picture is neither forgotten nor made twice.
    void whatCannotBeReadIsSettledAnotherTime() {
        Given given;
        given.left("picture");
        writeTo(given.path(), "picture");
        const fs::path away = given.folder.path() / "away";
        fs::rename(given.pictures(), away);
        fs::create_directory_symlink(given.pictures(), given.pictures()); // leads to itself
        given.publisher.settle();
        QCOMPARE(given.item().state, ItemState::Publishing);
        QVERIFY_THROWS_EXCEPTION(Error, given.publisher.publish(given.ticket, 0, madeBy(7)));
        fs::remove(given.pictures());
        fs::rename(away, given.pictures());
        const auto published = given.publisher.publish(given.ticket, 0, madeBy(7));
        QVERIFY(published && published->path == given.path());
        QCOMPARE(contentOf(given.path()), std::string("picture"));
        QCOMPARE(filesIn(given.pictures()), std::vector<std::string>{"fox-0.png"});
        QCOMPARE(given.item().state, ItemState::Done);
    }

    // Killed in step 1: nothing is logged, and a part of the file lies there.
    void sweepsWhatWasBegun() {
        Given given(Overwrite::No, 2);
        writeTo(given.pictures() / (".kinora-" + given.ledger.queueName() + "-1-1.tmp"), "pi");
        writeTo(given.pictures() / ".kinora-0123456789abcdef-1-1.tmp", "another queue's");
        given.publisher.settle();
        given.publisher.sweep(1);
        QCOMPARE(filesIn(given.pictures()),
                 std::vector<std::string>{".kinora-0123456789abcdef-1-1.tmp"});
    }
};

QTEST_GUILESS_MAIN(PublisherTest)
#include "publisher_test.moc"
