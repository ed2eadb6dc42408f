#include "app/windows/main_window.h"

#include "app/models/background.h"
#include "app/models/gallery_model.h"
#include "app/models/guide_pictures.h"
#include "app/models/job_controller.h"
#include "app/models/picture_store.h"
#include "app/models/plan_watcher.h"
#include "app/models/request_document.h"
#include "app/models/result_collector.h"
#include "app/panels/compose_panel.h"
#include "app/panels/gallery_panel.h"
#include "app/panels/queue_panel.h"
#include "app/panels/viewer_panel.h"
#include "app/widgets/image_canvas.h"
#include "app/widgets/notice_bar.h"
#include "app/widgets/phrases.h"
#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"
#include "app/windows/background_run.h"
#include "app/windows/companion_import.h"
#include "app/windows/model_folder_import.h"
#include "app/windows/parameter_import.h"
#include "app/windows/picture_actions.h"
#include "app/windows/system_appearance.h"
#include "kernels/base/log.h"

#include <QAction>
#include <QClipboard>
#include <QDir>
#include <QDockWidget>
#include <QDragEnterEvent>
#include <QFileInfo>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QLabel>
#include <QListView>
#include <QMimeData>
#include <QStatusBar>

namespace kinora::app {

constexpr const char* kFirstPrompt = "3d emoji of a red apple";
constexpr int kEarlierPictures = 60;
constexpr int kMessageMilliseconds = 8000;

namespace {

// That the previews which are asked for cannot be made is said before the run.
pipelines::ImageRequest planned(pipelines::ImageRequest request) {
    if (request.preview == "tiny") request.previewEvery = 1;
    return request;
}

} // namespace

MainWindow::MainWindow(Theme& theme, const ProgramContext& context)
    : m_theme(theme), m_context(context), m_settings(context.dataFolder) {
    setWindowTitle("Kinora");
    setAcceptDrops(true);
    setDockOptions(QMainWindow::AnimatedDocks | QMainWindow::AllowNestedDocks);
    setCorner(Qt::BottomLeftCorner, Qt::LeftDockWidgetArea);
    setCorner(Qt::BottomRightCorner, Qt::BottomDockWidgetArea);
    m_pool.setMaxThreadCount(1);
    makeModels();
    makePanels();
    m_import = new ParameterImport(*m_document, *m_store, *m_compose->notice(), this);
    m_companionImport = new CompanionImport(*m_document, *m_compose, this);
    m_folderImport = new ModelFolderImport(m_context.library, *m_document, *m_compose, this);
    m_pictureActions = new PictureActions(
        {m_theme, *m_gallery, *m_store, *m_import, m_undoStack, *m_viewer->notice(), m_settings},
        this);
    makeMenus();
    connectParts();
    connectResults();
    connectClosing();
    pipelines::ImageRequest first;
    first.prompt = kFirstPrompt;
    m_document->setInitial(m_settings.request().value_or(first));
    restorePlace();
    m_compose->focusPrompt();
}

MainWindow::~MainWindow() {
    // In this order: nobody answers to something that is gone.
    m_pool.waitForDone();
    delete m_plans;
    delete m_results;
    delete m_background;
    delete m_jobs;
    delete m_store;
}

void MainWindow::makeModels() {
    m_document = new RequestDocument(m_undoStack, this);
    m_jobs = new JobController({.engine = m_context.engine,
                                .library = m_context.library,
                                .dataFolder = m_context.dataFolder,
                                .outputFolder = m_context.outputFolder,
                                .power = powerOptions()},
                               this);
    m_background = new BackgroundRun(m_theme, *m_jobs, this);
    m_gallery = new GalleryModel(this);
    m_store = new PictureStore(m_context.outputFolder, this);
    m_guides = new GuidePictures(m_context.dataFolder / "pictures", this);
    m_plans = new PlanWatcher(m_context.engine, this);
    m_results = new ResultCollector(*m_jobs, *m_gallery, *m_store, this);
    m_appearance = new SystemAppearance(this);
}

QDockWidget* MainWindow::addDock(const QString& title, const QString& name, QWidget* panel,
                                 Qt::DockWidgetArea area, bool withTitle) {
    auto* dock = new QDockWidget(title, this);
    dock->setObjectName(name);
    dock->setFeatures(QDockWidget::DockWidgetMovable | QDockWidget::DockWidgetClosable);
    auto* header = new QWidget;
    if (withTitle) {
        header->setProperty("surface", "panel");
        header->setAttribute(Qt::WA_StyledBackground);
        const int margin = m_theme.measure("margin");
        auto* layout = new QHBoxLayout(header);
        layout->setContentsMargins(margin, margin, margin, 0);
        QLabel* label = makeLabel(title);
        label->setProperty("weight", "strong");
        layout->addWidget(label);
    }
    dock->setTitleBarWidget(header);
    dock->setWidget(panel);
    addDockWidget(area, dock);
    m_docks << dock;
    return dock;
}

void MainWindow::makePanels() {
    m_compose = new ComposePanel(m_theme, *m_document, *m_guides);
    m_viewer = new ViewerPanel(m_theme);
    m_galleryPanel = new GalleryPanel(m_theme, *m_gallery);
    m_queue = new QueuePanel(m_theme, *m_jobs);
    setCentralWidget(m_viewer);
    addDock("Compose", "compose", m_compose, Qt::LeftDockWidgetArea, true);
    addDock("Gallery", "gallery", m_galleryPanel, Qt::RightDockWidgetArea, true);
    addDock("Queue", "queue", m_queue, Qt::BottomDockWidgetArea, false);
    m_folderLabel = new QLabel;
    QString folder = QString::fromStdString(m_context.outputFolder.string());
    if (folder.startsWith(QDir::homePath() + "/")) folder = folder.mid(QDir::homePath().size() + 1);
    m_folderLabel->setText("Pictures are saved in " + folder);
    statusBar()->setSizeGripEnabled(false);
    m_runByLabel = new QLabel;
    m_runByLabel->setAccessibleName("Who works through the queue");
    statusBar()->addPermanentWidget(m_runByLabel);
    statusBar()->addPermanentWidget(m_folderLabel);
}

void MainWindow::connectParts() {
    connect(m_compose, &ComposePanel::generateWanted, this, &MainWindow::generate);
    connect(m_compose, &ComposePanel::modelsFolderWanted, this, &MainWindow::openModelsFolder);
    connect(m_compose, &ComposePanel::modelFolderAdditionWanted, m_folderImport,
            [this] { m_folderImport->ask(this); });
    connect(m_folderImport, &ModelFolderImport::changed, this, &MainWindow::loadModels);
    connect(m_compose, &ComposePanel::otherFileWanted, this, &MainWindow::openCompanion);
    connect(m_companionImport, &CompanionImport::modelsFolderWanted, this,
            &MainWindow::openModelsFolder);
    connect(m_companionImport, &CompanionImport::unknownFile, this, &MainWindow::loadCompanions);
    connect(m_pictureActions, &PictureActions::guideWanted, this,
            [this](const QString& parameter, const QString& path) {
                m_compose->usePicture(parameter.toStdString(), path.toStdString());
            });
    connect(m_document, &RequestDocument::changed, this,
            [this] { m_plans->watch(planned(m_document->request())); });
    connect(m_plans, &PlanWatcher::planned, m_compose, &ComposePanel::showPlan);
    connect(m_queue, &QueuePanel::stopAfterThisWanted, this, &MainWindow::stopAfterThisOne);
    connect(m_queue, &QueuePanel::cancelWanted, m_jobs, &JobController::cancel);
    connect(m_queue, &QueuePanel::cancelAllWanted, this, &MainWindow::cancelAllJobs);
    connect(m_queue, &QueuePanel::pauseWanted, this, &MainWindow::pauseOrGoOn);
    connect(m_queue, &QueuePanel::editWanted, this, [this](qint64 number) {
        if (const Job* job = m_jobs->find(number)) {
            pipelines::ImageRequest request = job->request;
            request.previewEvery = m_document->request().previewEvery;
            request.preview = m_document->request().preview;
            m_document->replace(request, "use of a job's settings");
            m_compose->focusPrompt();
        }
    });
    connect(m_pictureActions, &PictureActions::message, this, &MainWindow::say);
    connect(m_pictureActions, &PictureActions::seedWanted, this, [this](qint64 seed) {
        m_document->setText(*pipelines::findImageParameter("seed"), QString::number(seed));
        m_document->endEdit();
    });
    connect(m_viewer->canvas(), &ImageCanvas::dragOutWanted, m_pictureActions,
            &PictureActions::dragOut);
    connect(m_viewer->canvas(), &ImageCanvas::stepWanted, m_galleryPanel, &GalleryPanel::step);
    connect(m_galleryPanel, &GalleryPanel::dragOutWanted, m_pictureActions,
            &PictureActions::dragOut);
    connect(m_appearance, &SystemAppearance::darkChanged, this, [this](bool dark) {
        m_settings.setSystemDark(dark);
        m_theme.setSystemDark(dark);
    });
    m_viewer->canvas()->setContextMenuPolicy(Qt::CustomContextMenu);
    connect(m_viewer->canvas(), &QWidget::customContextMenuRequested, this,
            [this](const QPoint& at) { showContextMenu(m_viewer->canvas()->mapToGlobal(at)); });
    QListView* view = m_galleryPanel->view();
    connect(view, &QWidget::customContextMenuRequested, this,
            [this, view](const QPoint& at) { showContextMenu(view->viewport()->mapToGlobal(at)); });
}

void MainWindow::connectResults() {
    connect(m_jobs, &JobController::listChanged, this, &MainWindow::refreshBusy);
    connect(m_jobs, &JobController::jobChanged, this, &MainWindow::refreshBusy);
    connect(m_jobs, &JobController::placeChanged, this,
            [this] { m_runByLabel->setText(runByText()); });
    connect(m_jobs, &JobController::jobEnded, this, &MainWindow::jobEnded);
    connect(m_jobs, &JobController::jobsGoOn, this, &MainWindow::jobsGoOn);
    connect(m_jobs, &JobController::problem, this, [this](const QString& text) {
        m_viewer->notice()->showNotice(NoticeTone::Error, text);
    });
    connect(m_results, &ResultCollector::tileBegun, this, [this](int id) {
        if (m_follow) m_galleryPanel->setCurrentId(id);
    });
    connect(m_results, &ResultCollector::pictureDone, this, [this](int id) {
        const GalleryItem* item = m_gallery->item(id);
        if (item->provenance->request.seed) m_compose->setLastSeed(*item->provenance->request.seed);
        if (m_galleryPanel->currentId() == 0) m_galleryPanel->setCurrentId(id);
    });
    // A later start shows where the last one ended.
    connect(m_results, &ResultCollector::earlierLoaded, this, [this] {
        const GalleryItem* newest = m_gallery->itemAt(0);
        if (newest != nullptr && m_galleryPanel->currentId() == 0)
            m_galleryPanel->setCurrentId(newest->id);
    });
    connect(m_results, &ResultCollector::saved, this,
            [this](int, const QString& path) { say("Saved " + QFileInfo(path).fileName()); });
    connect(m_galleryPanel, &GalleryPanel::currentChanged, this, &MainWindow::showTile);
    // Whoever looks at something else keeps looking at it; choosing what is being made follows on.
    connect(m_galleryPanel, &GalleryPanel::picked, this, [this](int id) {
        const GalleryItem* item = m_gallery->item(id);
        m_follow = item != nullptr && !item->done;
    });
    connect(m_gallery, &QAbstractItemModel::dataChanged, this,
            [this](const QModelIndex& first, const QModelIndex& last) {
                const int row = m_gallery->rowOf(m_galleryPanel->currentId());
                if (row >= first.row() && row <= last.row())
                    m_viewer->showItem(m_gallery->itemAt(row));
            });
    connect(m_gallery, &QAbstractItemModel::rowsRemoved, this,
            [this] { showTile(m_galleryPanel->currentId()); });
}

void MainWindow::start() {
    m_appearance->start();
    loadModels();
    m_results->loadEarlier(kEarlierPictures);
    core::preloadImageCodecs();
}

void MainWindow::loadModels() {
    runInBackground(
        m_pool, this, [&library = m_context.library] { return library.list(); },
        [this, number = ++m_modelLoads](std::vector<core::ModelEntry> models) {
            if (number != m_modelLoads) return; // a later one knows more
            if (models.empty())
                m_compose->notice()->showNotice(
                    NoticeTone::Error,
                    "No model was found. Put a checkpoint or a diffusers folder into " +
                        QString::fromStdString((m_context.dataFolder / "models").string()) +
                        ", or add the folder where yours are: File, Folders of models.");
            m_document->setModels(std::move(models));
        });
    loadCompanions();
}

void MainWindow::loadCompanions() {
    runInBackground(
        m_pool, this, [&library = m_context.library] { return library.companions(); },
        [this, number = ++m_companionLoads](std::vector<core::CompanionInfo> files) {
            if (number != m_companionLoads) return;
            logMessage(LogLevel::Info,
                       "There are " + std::to_string(files.size()) + " files beside the models.");
            m_document->setCompanions(std::move(files));
        });
}

void MainWindow::generate() {
    if (!m_compose->commitEdits()) return; // the field says what is wrong
    pipelines::ImageRequest request = m_document->request();
    m_document->endEdit();
    m_viewer->notice()->dismiss();
    m_follow = true;
    m_jobs->submit(std::move(request));
}

void MainWindow::cancel() {
    if (m_jobs->cancelFirst())
        say("Cancelled");
    else if (m_fullScreen->isChecked())
        m_fullScreen->setChecked(false);
}

void MainWindow::stopAfterThisOne() {
    m_jobs->stopAfterThis();
}

void MainWindow::refreshBusy() {
    m_compose->setBusy(m_jobs->busy());
    m_generate->setText(m_jobs->busy() ? "&Add to queue" : "&Generate");
    const Job* active = m_jobs->active();
    m_cancel->setEnabled(m_jobs->busy() || m_fullScreen->isChecked());
    m_stop->setEnabled(active != nullptr && !m_jobs->isPaused());
    m_pauseQueue->setText(m_jobs->isPaused() ? "&Go on" : "&Pause");
    const int percent = active == nullptr ? -1 : static_cast<int>(active->fraction() * 100);
    const QString title = percent < 0 ? "Kinora" : QString("%1 % - Kinora").arg(percent);
    if (title != windowTitle()) setWindowTitle(title);
}

void MainWindow::jobsGoOn(int count) {
    m_viewer->notice()->showNotice(NoticeTone::Info,
                                   countPhrase(count, "job goes on", "jobs go on") +
                                       " from where Kinora stopped.",
                                   "Pause", [this] {
                                       m_jobs->pauseQueue();
                                       m_viewer->notice()->dismiss();
                                   });
}

void MainWindow::jobEnded(qint64 number) {
    const Job* job = m_jobs->find(number);
    if (job != nullptr && job->state == JobState::Finished)
        m_queue->setIdleText(
            QString("Nothing is running. The last job took %1.").arg(secondsPhrase(job->seconds)));
    refreshBusy();
}

void MainWindow::showTile(int id) {
    m_pictureActions->setCurrent(id);
    const GalleryItem* item = m_gallery->item(id);
    m_viewer->showItem(item);
    if (item != nullptr && item->done && item->image.isNull())
        m_pictureActions->withWhole(id, [](int) {}); // shown when it is there
}

void MainWindow::paste() {
    const QMimeData* data = QGuiApplication::clipboard()->mimeData();
    if (data != nullptr && ParameterImport::canRead(*data))
        m_import->readMime(*data);
    else
        say("The clipboard holds no picture and no parameters");
}

void MainWindow::say(const QString& text) {
    statusBar()->showMessage(text, kMessageMilliseconds);
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
    const QMimeData& data = *event->mimeData();
    const bool isUsed =
        ParameterImport::canRead(data) || !ModelFolderImport::folderIn(data).isEmpty();
    if (event->source() == nullptr && isUsed) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
    event->acceptProposedAction();
    if (const QString file = CompanionImport::fileIn(*event->mimeData()); !file.isEmpty())
        m_companionImport->readFile(file);
    else if (const QString folder = ModelFolderImport::folderIn(*event->mimeData());
             !folder.isEmpty())
        m_folderImport->add(folder);
    else
        m_import->readMime(*event->mimeData());
}

void MainWindow::showEvent(QShowEvent* event) {
    QMainWindow::showEvent(event);
    if (!std::exchange(m_needsDefaultLayout, false)) return;
    const int tile = m_theme.measure("tile") + 2 * m_theme.measure("gap");
    const int columns = width() >= 1200 ? 2 : 1;
    resizeDocks({m_docks[0], m_docks[1]}, {336, columns * tile + 20}, Qt::Horizontal);
    resizeDocks({m_docks[2]}, {m_queue->sizeHint().height()}, Qt::Vertical);
}

} // namespace kinora::app
