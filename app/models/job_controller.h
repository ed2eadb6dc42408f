#pragma once
// The window's view of the durable queue. What is added here is on the disk before it is shown; a
// thread of its own works through the queue with the program's engine (queue_runner.h), another
// reads and changes its tables (queue_desk.h), and everything arrives here as a value by a queued
// call. Where another process works through the queue, this one shows what that one does. UI thread
// only.

#include "app/models/job_list.h"
#include "app/models/queue_runner.h"
#include "core/library/model_library.h"

#include <QImage>
#include <QObject>
#include <QString>

#include <memory>
#include <vector>

namespace kinora::app {

struct ResultPicture {
    QImage image;
    QImage thumbnail;
    std::shared_ptr<const core::Image> source; // shared by saver, clipboard and drags: immutable
    core::Provenance provenance;
    std::filesystem::path path; // of its file
};

class JobController : public QObject {
    Q_OBJECT
  public:
    struct Parts {
        core::Engine& engine;
        const core::ModelLibrary& library;
        std::filesystem::path dataFolder;
        std::filesystem::path outputFolder;
        core::PowerWatch::Options power = {};
    };
    explicit JobController(Parts parts, QObject* parent = nullptr);
    // Interrupts what runs: it goes on at the next start. What was asked for is written first.
    ~JobController() override;

    void submit(pipelines::ImageRequest request);
    // What runs, else what is next. False: there is nothing.
    bool cancelFirst();
    void cancel(JobNumber number);
    void cancelAll();
    void remove(JobNumber number); // an ended job's row
    void retry(JobNumber number);
    void pause(JobNumber number);
    void resume(JobNumber number);
    void runNext(JobNumber number);
    void moveToEnd(JobNumber number);

    // The pictures at work are finished, then nothing more is computed.
    void stopAfterThis();
    void pauseQueue();
    void resumeQueue();
    void tryAgain(); // where the queue stands still
    void setPower(core::PowerWatch::Options power) { m_runner->setPower(std::move(power)); }
    // Ended is told when all that runs has stopped. A later, harder stop counts.
    void stop(core::DispatcherStop stop) { m_runner->stop(stop); }

    const std::vector<Job>& jobs() const { return m_list.jobs(); }
    const Job* find(JobNumber number) const { return m_list.find(number); }
    const Job* active() const; // nullptr: nothing runs
    int runningCount() const;
    int waitingCount() const; // those without a row too
    int hiddenCount() const { return static_cast<int>(m_list.beyond()); }
    bool busy() const;     // something runs or waits
    bool isPaused() const; // the queue as a whole
    // Whether this process makes pictures that would stop with it.
    bool works() const;
    const QueuePlace& place() const { return m_place; }
    int ownerProcess() const { return m_list.status().owner; } // 0: nobody
    // Nothing follows the picture that it computes.
    bool isLast(const Job& job) const;
    // Why nothing is computed though it could be, "" otherwise: a full disk, the battery.
    const QString& trouble() const { return m_trouble; }
    double secondsLeft() const; // of the whole queue; 0: not known

  signals:
    void listChanged(); // rows, their order, the queue as a whole
    void jobChanged(qint64 number);
    void pictureBegun(qint64 number, qint64 picture);
    void previewReady(qint64 number, qint64 picture, const QImage& image);
    void pictureReady(qint64 number, qint64 picture, const kinora::app::ResultPicture& result);
    void jobInterrupted(qint64 number); // it goes on later
    void jobEnded(qint64 number);
    void placeChanged();
    void jobsGoOn(int count);          // those that were there at the start
    void othersMadePictures();         // another process did
    void problem(const QString& text); // something that was asked for could not be done

  private:
    struct Adding {           // on its way to the disk
        JobNumber number = 0; // 0: not there yet
        bool cancelled = false;
    };
    template <typename Work> int64_t ask(Work work);
    void change(core::JobAction action, JobNumber number);
    void hear(const core::QueueEvent& event); // on the runner's thread
    template <typename Call> void post(Call call);

    void added(const std::shared_ptr<Adding>& adding, const Result<core::QueueJobId>& id);
    void see(const Result<QueueView>& view);
    void greet(const QueueView& view);
    void receive(const core::QueueJob& job);
    void receive(JobNumber number, const core::EngineEvent& event, const QImage& preview);
    void receive(JobNumber number, qint64 picture, const ResultPicture& result);
    void setPlace(const QueuePlace& place);
    void askToPause(core::QueuePause pause);
    JobNumber firstWaiting() const;

    Parts m_parts;
    JobList m_list;
    std::vector<std::shared_ptr<Adding>> m_adding;
    QueuePlace m_place;
    QString m_trouble;
    QString m_ownTrouble; // as the runner told
    core::QueuePause m_paused = core::QueuePause::No;
    int64_t m_pauseAsked = 0; // views from before that do not know of it
    bool m_greeted = false;
    // The desk wakes the runner: it goes first.
    std::unique_ptr<QueueRunner> m_runner;
    std::unique_ptr<QueueDesk> m_desk;
};

} // namespace kinora::app
